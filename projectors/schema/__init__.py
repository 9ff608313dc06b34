"""The tables of Daybook's read models.

Money is kept as whole numbers of the currency's smallest unit, because a decimal on SQLite is a float and loses digits.
`minor_digits` is the number of digits after the point. One amount has at most 18 digits and fits into 64 bits; whatever
adds up amounts is a SumField. See Note [Sums do not overflow].
"""

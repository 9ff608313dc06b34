-- The sums of customers through a position, and, as known now of a date, the late fees that were recorded after it.
--
-- The sums through a position are in the last line of each customer at or below it. A fee that counts for the date or
-- for an earlier one, and was booked after it, is added, and a product that owes nothing but such fees then; without a
-- date none is.
WITH live AS (
    {live_generation}
)
SELECT company_uuid, currency, minor_digits, {sums}, max(position) AS position
FROM (
    SELECT line.company_uuid, line.currency, line.minor_digits, line.products, line.overdue_products,
        line.fees, line.owed, line.overdue, line.fees_incurred, line.fees_paid, line.fees_waived, line.position
    FROM projectors_customersum AS customer
    {join} (
        SELECT {columns} FROM projectors_customerline AS last
        WHERE last.generation = (SELECT generation FROM live)
            AND last.company_uuid = customer.company_uuid
            AND last.currency = customer.currency
            AND last.minor_digits = customer.minor_digits
            AND last.position <= %(through)s
        ORDER BY last.position DESC
        LIMIT 1
    ) {name}
    WHERE customer.generation = (SELECT generation FROM live) {customer}
    UNION ALL
    SELECT fee.company_uuid, fee.currency, fee.minor_digits, 0, 0,
        fee.amount, fee.amount, CASE WHEN fee.due_date < %(date)s THEN fee.amount ELSE 0 END, fee.amount, 0, 0,
        fee.position
    FROM projectors_laterecordedfee AS fee
    WHERE fee.generation = (SELECT generation FROM live)
        AND fee.business_date <= %(date)s
        AND fee.booking_date > %(date)s
        AND fee.position <= %(up_to)s {fee}
    UNION ALL
    SELECT owing.company_uuid, owing.currency, owing.minor_digits,
        1, CASE WHEN owing.due_date < %(date)s THEN 1 ELSE 0 END, 0, 0, 0, 0, 0, 0, owing.position
    FROM projectors_lateowing AS owing
    WHERE owing.generation = (SELECT generation FROM live)
        AND owing.after_date <= %(date)s
        AND owing.until_date > %(date)s
        AND owing.position <= %(up_to)s {owing}
) AS parts
GROUP BY company_uuid, currency, minor_digits
ORDER BY {order}

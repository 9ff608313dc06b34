-- The customers whose sums have changed after a position and up to another: those with the greatest sums of each kind,
-- and those of the given companies.
WITH line AS (
    SELECT company_uuid, currency, minor_digits, {sums},
        row_number() OVER (PARTITION BY company_uuid, currency, minor_digits ORDER BY position DESC) AS place
    FROM projectors_customerline
    WHERE generation = {generation} AND position > %(after)s AND position <= %(through)s
), changed AS (
    SELECT company_uuid, currency, minor_digits, {sums} FROM line WHERE place = 1
)
{greatest}
UNION
SELECT * FROM changed WHERE company_uuid {is_ranked}

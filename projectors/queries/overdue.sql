-- The products that may have been overdue on a date at a position: in order of product_uuid, from a first one on, at
-- most as many as the limit.
--
-- A product that owed at the position either owes now, or its principal has reached zero since: an index finds each
-- kind, so that products paid off before the position are never read. It is one statement, so that a product which
-- changes from one kind to the other at this moment is found exactly once.
WITH live AS (
    {live_generation}
), owing AS MATERIALIZED (
    SELECT product_uuid, asset_uuid, due_date, daily_late_fee_rate, late_fee_payer_role, companies, owing_again_position
    FROM projectors_financialproduct
    WHERE generation = (SELECT generation FROM live)
        AND principal_outstanding > 0
        AND product_uuid >= %(first)s
        AND due_date < %(date)s
        AND originated_position < %(position)s
    ORDER BY product_uuid
    LIMIT %(limit)s
)
SELECT product_uuid{as_text}, asset_uuid{as_text}, due_date, daily_late_fee_rate, late_fee_payer_role, companies,
    owing_again_position
FROM (
SELECT * FROM owing
UNION ALL
SELECT product_uuid, asset_uuid, due_date, daily_late_fee_rate, late_fee_payer_role, companies, owing_again_position
FROM projectors_financialproduct {index}
WHERE generation = (SELECT generation FROM live)
    AND principal_zero_position > %(position)s
    AND principal_outstanding = 0
    AND product_uuid >= %(first)s
    AND product_uuid <= coalesce(
        (SELECT product_uuid FROM owing ORDER BY product_uuid LIMIT 1 OFFSET %(limit)s - 1), %(last)s
    )
    AND due_date < %(date)s
    AND originated_position < %(position)s
ORDER BY product_uuid
LIMIT %(limit)s
) AS found
ORDER BY found.product_uuid

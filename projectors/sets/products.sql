-- What `FinancialProducts.project` does with all events of a range that change a product, for PostgreSQL. Rows exist
-- already. {deltas} is what an event adds to each figure, made of the changes that the projector defines.

-- name: change
WITH event AS (
    SELECT position, substr(stream_id, strpos(stream_id, '-') + 1)::uuid AS uuid, {deltas}
    FROM {events} AS event
    WHERE type = ANY (%(types)s)
), change AS (
    SELECT *, sum(principal_outstanding) OVER (PARTITION BY uuid ORDER BY position) AS principal_so_far FROM event
), total AS (
    SELECT uuid, min(position) AS first, max(position) AS position, {sums},
           array_agg(position) AS positions,
           array_agg(principal_outstanding) AS principals,
           array_agg(principal_so_far) AS principals_so_far,
           bool_or({is_incomplete}) AS is_incomplete
    FROM change GROUP BY uuid
), figure AS MATERIALIZED (
    SELECT p.id, total.position, {figures},
           p.principal, turn.zero, turn.again
    FROM total CROSS JOIN LATERAL (
        SELECT * FROM projectors_financialproduct
        WHERE generation = %(generation)s AND product_uuid = total.uuid AND position < total.first
        OFFSET 0
    ) AS p
    CROSS JOIN LATERAL (
        -- The last events at which the principal became zero, and at which it was zero before.
        SELECT max(at) FILTER (WHERE p.principal_outstanding + so_far = 0
                               AND p.principal_outstanding + so_far - change > 0) AS zero,
               max(at) FILTER (WHERE p.principal_outstanding + so_far > 0
                               AND p.principal_outstanding + so_far - change = 0) AS again
        FROM unnest(total.positions, total.principals, total.principals_so_far) AS event (at, change, so_far)
        WHERE change <> 0
    ) AS turn
    WHERE NOT total.is_incomplete
), changed AS (
    UPDATE projectors_financialproduct AS p
    SET {settings},
        owes = figure.principal_outstanding > 0 OR figure.fees_outstanding > 0,
        status = CASE WHEN figure.principal_outstanding > 0 THEN %(open)s
                      WHEN figure.principal + figure.fees_incurred > figure.principal_paid + figure.fees_paid
                           + figure.fees_waived + figure.fees_outstanding THEN %(written_off)s
                      WHEN figure.fees_outstanding > 0 THEN %(open)s
                      ELSE %(paid)s END,
        principal_zero_position = coalesce(figure.zero, p.principal_zero_position),
        owing_again_position = coalesce(figure.again, p.owing_again_position),
        position = figure.position
    FROM figure WHERE p.id = figure.id
    RETURNING 1
)
SELECT (SELECT count(*) FROM total), (SELECT count(*) FROM changed)

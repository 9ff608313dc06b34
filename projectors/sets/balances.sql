-- What `Balances.project` does with all events of a range that change a balance, for PostgreSQL. Rows exist already.

-- name: change
WITH change AS (
    -- `before` is the currency of the event before it; the newest event of each kind has no event after it.
    SELECT uuid, entity, position, type, amount, currency, digits, is_status,
           lag(currency) OVER kind AS before, lead(position) OVER kind IS NULL AS is_newest
    FROM (
        SELECT position, type, split_part(stream_id, '-', 1) AS entity,
               substr(stream_id, strpos(stream_id, '-') + 1)::uuid AS uuid,
               type = ANY (%(statuses)s) AS is_status,
               CASE WHEN type = ANY (%(adds)s) THEN replace(payload->>'amount', '.', '')::bigint
                    WHEN type = ANY (%(takes)s) THEN -replace(payload->>'amount', '.', '')::bigint
                    ELSE 0 END AS amount,
               payload->>'currency' AS currency,
               length(split_part(CASE type WHEN 'AssetRevalued' THEN payload->>'value' ELSE payload->>'amount' END,
                                 '.', 2)) AS digits
        FROM {events} AS event
        WHERE type = ANY (%(types)s)
    ) AS event
    WINDOW kind AS (PARTITION BY uuid, entity, is_status ORDER BY position)
), total AS (
    SELECT uuid, entity, min(position) AS first, sum(amount) AS amount,
           max(currency) FILTER (WHERE is_newest AND NOT is_status) AS currency,
           max(digits) FILTER (WHERE is_newest AND NOT is_status) AS digits,
           max(type) FILTER (WHERE is_newest AND is_status) AS status,
           -- A revaluation changes a row only if it changes the currency.
           max(position) FILTER (WHERE type <> 'AssetRevalued' OR currency <> before) AS position,
           min(position) FILTER (WHERE type = 'AssetRevalued' AND before IS NULL) AS first_value,
           min(currency) FILTER (WHERE type = 'AssetRevalued' AND before IS NULL) AS first_currency,
           bool_or(amount IS NULL OR NOT is_status AND (currency IS NULL OR digits IS NULL)) AS is_incomplete
    FROM change GROUP BY uuid, entity
), changed AS (
    UPDATE projectors_balance AS b
    SET balance = b.balance + total.amount,
        currency = coalesce(total.currency, b.currency),
        minor_digits = coalesce(total.digits, b.minor_digits),  -- a currency has always the same digits
        status = CASE WHEN total.status IS NULL THEN b.status ELSE %(status_of)s::jsonb->>total.status END,
        position = greatest(b.position, total.position,
                            CASE WHEN total.first_currency <> b.currency THEN total.first_value END)
    FROM total CROSS JOIN LATERAL (
        SELECT id FROM projectors_balance
        WHERE generation = %(generation)s AND entity = total.entity AND uuid = total.uuid AND position < total.first
        OFFSET 0
    ) AS found
    WHERE b.id = found.id AND NOT total.is_incomplete
    RETURNING 1
)
SELECT (SELECT count(*) FROM total), (SELECT count(*) FROM changed)

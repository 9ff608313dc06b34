-- The journal lines of all events of a range, and their sums, for PostgreSQL.

-- The lines are written and added up by account within each part of the range that `places` cuts; lines that count for
-- a date before the one on which they were booked are added up by both dates. {sides} are the sides of all entries.
-- Each field of a payload is read once: OFFSET 0 keeps PostgreSQL from reading it again for each use. The sums are those of
-- the lines before they are written, because adding up what an INSERT returns took a tenth of the statement. A line is
-- numbered by the amounts before it that are not zero, without sorting; `number` counts those that equal its own.
-- name: lines
WITH side (type, number, account, party_field, amount_field, credit, before) AS (VALUES {sides}),
event AS (
    SELECT position, type, category, payload, payload->>'currency' AS currency,
           substr(stream_id, strpos(stream_id, '-') + 1)::uuid AS own_uuid,
           (%(dates)s::date[])[width_bucket(position, %(cycles)s::bigint[]) + 1] AS booking_date,
           (payload->>'business_date')::date AS given_date,
           coalesce(nullif(payload->>'reference', ''), nullif(payload->>'reason', ''),
                    nullif(payload->>'grant_uuid', ''), '') AS reference
    FROM {events} AS read
    WHERE type = ANY (%(with_lines)s)
    OFFSET 0
), drawn AS (
    SELECT event.position, event.type, replace(side.account, '{party}', category) AS account, side.credit,
           CASE WHEN side.before IS NULL THEN side.number ELSE side.number + (
               SELECT count(*) FROM unnest(side.before) AS field WHERE replace(payload->>field, '.', '')::bigint <> 0
           ) END AS line,
           CASE WHEN side.party_field IS NULL THEN category ELSE 'grant' END AS party_type,
           CASE WHEN side.party_field IS NULL THEN own_uuid ELSE (payload->>side.party_field)::uuid END AS party_uuid,
           currency, payload->>side.amount_field AS text, booking_date, given_date, reference
    FROM event JOIN side ON side.type = event.type
    OFFSET 0
), made AS MATERIALIZED (
    SELECT position, line, type, coalesce(given_date, booking_date) AS business_date, booking_date, account, party_type,
           party_uuid, currency, length(split_part(text, '.', 2)) AS minor_digits,
           CASE WHEN credit THEN 0 ELSE amount END AS debit, CASE WHEN credit THEN amount ELSE 0 END AS credit, reference
    FROM (SELECT drawn.*, replace(text, '.', '')::bigint AS amount FROM drawn OFFSET 0) AS of_amount
    WHERE amount IS DISTINCT FROM 0  -- a missing amount is refused by the table
), written AS (
    INSERT INTO projectors_journalline (generation, position, line, event_type, business_date, booking_date, account,
                                        party_type, party_uuid, currency, minor_digits, debit, credit, reference)
    SELECT %(generation)s, position, line, type, business_date, booking_date, account, party_type, party_uuid, currency,
           minor_digits, debit, credit, reference
    FROM made
)
SELECT part, account, currency, minor_digits, late_date::text, late_booking::text, sum(debit), sum(credit), min(position),
       max(position)
FROM (
    SELECT width_bucket(position, %(places)s::bigint[]) AS part, account, currency, minor_digits, debit, credit, position,
           CASE WHEN business_date < coalesce(booking_date, '-infinity') THEN business_date END AS late_date,
           CASE WHEN business_date < coalesce(booking_date, '-infinity') THEN booking_date END AS late_booking
    FROM made
) AS dated
GROUP BY part, account, currency, minor_digits, late_date, late_booking ORDER BY max(position)

-- The first event of each part that can have lines, and the cycles.
-- name: first_events
SELECT part.number - 1, first.position
FROM unnest(%(lows)s::bigint[], %(highs)s::bigint[]) WITH ORDINALITY AS part (low, high, number)
CROSS JOIN LATERAL (
    SELECT event.position FROM {events} AS event
    WHERE event.position >= part.low AND event.position <= part.high AND event.type = ANY (%(types)s)
    ORDER BY event.position LIMIT 1
) AS first
ORDER BY part.number

-- The journal lines of all events of a range, and their sums, for PostgreSQL.

-- The lines are written and added up by account within each part of the range that `places` cuts; lines that count for
-- a date before the one on which they were booked are added up by both dates. {sides} are the sides of all entries.
-- name: lines
WITH side (type, number, account, party_field, amount_field, credit) AS (VALUES {sides}),
made AS (
    SELECT position, type, number, account, party_type, party_uuid, currency, text, credit, business_date, booking_date,
           replace(text, '.', '')::bigint AS amount, reference
    FROM (
        SELECT e.position, e.type, side.number, replace(side.account, '{party}', category) AS account, side.credit,
               CASE WHEN side.party_field IS NULL THEN category ELSE 'grant' END AS party_type,
               CASE WHEN side.party_field IS NULL THEN substr(stream_id, strpos(stream_id, '-') + 1)
                    ELSE payload->>side.party_field END::uuid AS party_uuid,
               payload->>'currency' AS currency, payload->>side.amount_field AS text,
               (%(dates)s::date[])[width_bucket(e.position, %(cycles)s::bigint[]) + 1] AS booking_date,
               coalesce((payload->>'business_date')::date,
                        (%(dates)s::date[])[width_bucket(e.position, %(cycles)s::bigint[]) + 1]) AS business_date,
               coalesce(nullif(payload->>'reference', ''), nullif(payload->>'reason', ''),
                        nullif(payload->>'grant_uuid', ''), '') AS reference
        FROM {events} AS e JOIN side ON side.type = e.type
    ) AS drawn
), line AS (
    INSERT INTO projectors_journalline (generation, position, line, event_type, business_date, booking_date, account,
                                        party_type, party_uuid, currency, minor_digits, debit, credit, reference)
    SELECT %(generation)s, position, row_number() OVER (PARTITION BY position ORDER BY number), type, business_date,
           booking_date, account, party_type, party_uuid, currency, length(split_part(text, '.', 2)),
           CASE WHEN credit THEN 0 ELSE amount END, CASE WHEN credit THEN amount ELSE 0 END, reference
    FROM made
    WHERE amount IS DISTINCT FROM 0  -- a missing amount is refused by the table
    ORDER BY position, number
    RETURNING position, account, currency, minor_digits, debit, credit, business_date, booking_date
)
SELECT width_bucket(position, %(places)s::bigint[]) AS part, account, currency, minor_digits,
       CASE WHEN business_date < coalesce(booking_date, '-infinity') THEN business_date END::text AS late_date,
       CASE WHEN business_date < coalesce(booking_date, '-infinity') THEN booking_date END::text AS late_booking,
       sum(debit), sum(credit), min(position), max(position)
FROM line GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY max(position)

-- The first event of each part that can have lines, and the cycles.
-- name: first_events
SELECT width_bucket(position, %(places)s::bigint[]) AS part, min(position)
FROM {events} AS event
WHERE type = ANY (%(types)s)
GROUP BY 1 ORDER BY 1

-- What happened in a range on each business date in each currency, by type, for PostgreSQL. {amount} is the amount that an
-- event adds to a sum, if its type adds any.

-- name: activity
SELECT business_date::text, currency, type, count(*), max(position), sum(amount), count(amount),
       -- The digits of the first event that has any: its position stands before them.
       mod(min(position * 100 + digits) FILTER (WHERE digits > 0), 100) AS digits, min(position) FILTER (WHERE digits > 0)
FROM (
    SELECT position, type, coalesce(payload->>'currency', '') AS currency,
           coalesce((payload->>'business_date')::date,
                    (%(dates)s::date[])[width_bucket(position, %(cycles)s::bigint[]) + 1]) AS business_date,
           replace({amount}, '.', '')::bigint AS amount,
           CASE WHEN payload ? 'currency' THEN greatest({digits}) END AS digits
    FROM {events} AS event
    WHERE type = ANY (%(types)s)
) AS event
GROUP BY 1, 2, 3

-- Which events of a range were booked after the date that they name, with both dates. A date that begins names itself, and
-- is booked on the date before it.
-- name: late
SELECT position, booking_date::text, business_date::text
FROM (
    SELECT position, coalesce(payload->>'business_date', payload->>'new_date')::date AS business_date,
           (%(dates)s::date[])[width_bucket(position - 1, %(cycles)s::bigint[]) + 1] AS booking_date
    FROM {events} AS event
    WHERE type = ANY (%(types)s)
) AS event
WHERE business_date < booking_date

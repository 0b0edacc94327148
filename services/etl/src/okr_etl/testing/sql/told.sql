-- name: told
select value from delivery.outbox where headers ->> 'ce_type' = $1 order by id

-- name: rows
select cells from raw_row join batch using (batch_id) order by position, row_num

-- name: newest
select * from api_request where source = $1 order by started_at desc limit 1

-- name: topics
select topic from delivery.outbox

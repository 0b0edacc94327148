-- name: rows
select cells from raw_row join batch using (batch_id) order by position, row_num

-- name: standing
select cells from raw_row r join batch using (batch_id)
where not exists (select from api_gone g where g.batch_id = r.batch_id and g.row_num = r.row_num) order by position, row_num

-- name: newest
select * from api_request where source = $1 order by started_at desc limit 1

-- name: topics
select topic from delivery.outbox

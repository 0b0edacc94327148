-- name: followed
-- Trained models that serve: the training, how far it has learned, by which pipeline, and when that moved last.
select c.model, c.training, c.learned, v.pipeline, c.updated_at
from checkpoint c join model_version v on v.model = c.model and v.version = c.version where c.training > 0 order by c.model

-- name: served_training
-- The same of one model.
select c.model, c.training, c.learned, c.state_digest, v.pipeline
from checkpoint c join model_version v on v.model = c.model and v.version = c.version where c.model = $1 and c.training > 0

-- name: try_shadow
-- Whether this transaction is the one that writes this challenger.
select pg_try_advisory_xact_lock(hashtextextended($1, 0))

-- name: take_shadow
select pg_advisory_xact_lock(hashtextextended($1, 0))

-- name: end_shadow
-- Ends the session of whoever writes this challenger: its process may be stopped, and what it was at is begun again.
select pg_terminate_backend(a.pid, 5000) from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.objsubid = 1 and l.granted and a.usename = current_user and a.pid <> pg_backend_pid()
  and a.datname = current_database()
  and ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended($1, 0)

-- name: challenger
select training, learned, heard, unit, waits, seconds, sha256 from challenger where model = $1 and pipeline = $2 for update

-- name: challenger_state
select contract_hash, libraries, state_digest, sha256, state from challenger where model = $1 and pipeline = $2

-- name: challengers
select pipeline, training, learned, waits, seconds, state_digest, updated_at from challenger where model = $1 order by pipeline

-- name: trailing
-- Each with how many rows it has still to learn: all of them, where it has not begun with the training that serves.
select h.model, h.pipeline, c.learned - case when h.training = c.training then h.learned else 0 end as behind
from challenger h join checkpoint c using (model) order by h.model, h.pipeline

-- name: challenged
-- Models that have a challenger.
select distinct model from challenger order by model

-- name: move_challenger
-- It has learned nothing since it was stored.
update challenger set heard = $3, unit = $4, waits = $5, seconds = $6, updated_at = now() where model = $1 and pipeline = $2

-- name: put_challenger
insert into challenger
    (model, pipeline, training, learned, heard, unit, waits, seconds, contract_hash, libraries, state_digest, sha256, state)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (model, pipeline) do update set
    training = $3, learned = $4, heard = $5, unit = $6, waits = $7, seconds = $8, contract_hash = $9, libraries = $10,
    state_digest = $11, sha256 = $12, state = $13, updated_at = now()

-- name: forget_challenger
delete from challenger where model = $1 and pipeline = $2

-- name: forget_challengers
-- Those that nobody wants while pipeline $3 serves; it does still.
delete from challenger where model = $1 and pipeline <> all($2::text[]) and exists (
    select from checkpoint c join model_version v on v.model = c.model and v.version = c.version
    where c.model = $1 and v.pipeline = $3)

-- name: forget_shadow
-- What it said along this training, begun anew, and along trainings of which no version was its.
delete from shadow_prediction where model = $1 and pipeline = $2
  and (training = $3 or training not in (select training from model_version where model = $1 and pipeline = $2))

-- name: training_began
select version, heard, learned from model_version where model = $1 and training = $2 order by version limit 1

-- name: replayed
-- What the training said of history, in the order of learning.
select prediction_id::text, features, learned_before from prediction
where model = $1 and training = $2 and kind = 'replay' and features is not null order by learned_before nulls first

-- name: units_after
-- Of the model's next $3 published predictions after unit $2 the units, and how many those are.
select array_agg(distinct unit order by unit) as units, count(*) as of
from (select unit from prediction where unit > $2 and model = $1 order by unit limit $3) as next

-- name: asked
-- What training $3 said in the stream, in these units, by other pipelines than $4.
select p.prediction_id::text, p.features, p.learned_before
from prediction p join model_version v on v.model = p.model and v.version = p.model_version
where p.unit = any($2::bigint[]) and p.model = $1 and v.training = $3 and v.pipeline <> $4 and p.kind = 'live'
  and p.features is not null and p.learned_before is not null
order by p.learned_before, p.unit, p.place

-- name: taught
-- The next outcomes after $2 from which rows were learned.
select heard_seq, key_result_id::text, achieved, learned from outcome_heard
where model = $1 and heard_seq > $2 and learned > 0 order by heard_seq limit $3

-- name: lessons
-- The next $6 rows that training $3 learned of these key results after row $5; `raw`: what pipeline $4 said of it then.
select p.prediction_id::text, p.key_result_id::text, p.features, p.learned_seq,
       case when v.training = $3 and v.pipeline = $4 then p.raw else s.raw end as raw
from prediction p
left join model_version v on v.model = p.model and v.version = p.model_version
left join shadow_prediction s on s.prediction_id = p.prediction_id and s.pipeline = $4 and s.training = $3
where p.model = $1 and p.key_result_id = any($2::uuid[]) and p.training = $3 and p.learned_seq > $5
order by p.learned_seq limit $6

-- name: challenged_rows
-- The newest $5 check-ins whose outcome is known, and how many there are: what challenger $3 and serving pipeline $4 said of
-- each along training $2. Both answered at the same point of the order of learning, before the outcome was known. Where a
-- person has rolled back from the challenger, outcomes heard since then: what it did before has been judged.
with rolled_back as (
    select max(c.made_at) as at from model_change c join model_version v on v.model = c.model and v.version = c.served
    where c.model = $1 and c.kind = 'rolled_back' and v.training = $2 and v.pipeline = $3
), ended as (
    select distinct on (key_result_id) key_result_id, achieved, knowledge_time, heard_seq, heard_at from outcome_heard
    where model = $1 and not withdrawn order by key_result_id, knowledge_time desc, heard_seq desc
), said as (
    select p.key_result_id, p.source, p.elapsed, p.knowledge_time::date as day, p.due_on, p.baselines, p.features, p.seq,
           case when v.pipeline = $3 then p.probability else c.probability end as candidate,
           case when v.pipeline = $4 then p.probability else r.probability end as replaced
    from prediction p
    join model_version v on v.model = p.model and v.version = p.model_version and v.training = $2
    left join shadow_prediction c on c.prediction_id = p.prediction_id and c.pipeline = $3 and c.training = $2
    left join shadow_prediction r on r.prediction_id = p.prediction_id and r.pipeline = $4 and r.training = $2
    where p.model = $1 and p.training = $2 and p.kind in ('live', 'replay') and p.learned_seq is not null
      and p.check_in_id is not null
)
select s.key_result_id::text, s.source, s.elapsed, s.day, s.due_on as due, e.knowledge_time as ended, e.achieved,
       s.candidate, s.replaced, s.baselines, count(*) over () as of
from said s join ended e using (key_result_id)
where e.achieved is not null and s.candidate is not null and s.replaced is not null
  and e.heard_at > coalesce((select at from rolled_back), '-infinity')
order by e.knowledge_time desc, e.heard_seq desc, s.key_result_id, s.day desc, s.seq desc limit $5

-- name: end_when_stalled
-- Else what a stopped process holds would keep whoever goes on for it waiting.
set local idle_in_transaction_session_timeout = '60s'

-- name: newest_of
-- The newest version of this training and pipeline.
select version, learned from model_version where model = $1 and training = $2 and pipeline = $3 order by version desc limit 1

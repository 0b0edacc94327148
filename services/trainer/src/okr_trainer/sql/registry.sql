-- name: serving
-- What serves by the registry; version 0 has no content.
select version, training, pipeline, contract_hash, libraries, state_digest, sha256, checkpoint as state, learned, heard
from model_version where model = $1 and alias = 'champion'

-- name: version_state
select version, training, pipeline, contract_hash, libraries, state_digest, sha256, checkpoint as state, learned, heard, alias
from model_version where model = $1 and version = $2

-- name: trusted_versions
-- The one that serves by the registry, then the one before it.
select version, training, pipeline, contract_hash, libraries, state_digest, sha256, checkpoint as state, learned, heard
from model_version where model = $1 and alias in ('champion', 'previous') and checkpoint is not null order by alias

-- name: previous_version
select version from model_version where model = $1 and alias = 'previous'

-- name: heard_last
select coalesce(max(heard_seq), 0) from outcome_heard where model = $1

-- name: judged_replay
-- Check-ins of the newest $4 outcomes that training $2 learned, beside what training $3 (0: the pace rule) said of each.
with latest as (
    select distinct on (key_result_id) key_result_id, achieved, knowledge_time, heard_seq
    from outcome_heard where model = $1 order by key_result_id, knowledge_time desc, heard_seq desc
), learned as (
    select p.key_result_id, p.source, p.check_in_id, p.revision, p.probability,
           (p.baselines ->> 'linear_pace')::double precision as pace
    from prediction p
    where p.model = $1 and p.kind = 'replay' and p.training = $2 and p.learned_seq is not null and p.check_in_id is not null
), last as (
    select * from latest where achieved is not null and key_result_id in (select key_result_id from learned)
    order by knowledge_time desc, heard_seq desc limit $4
)
select l.key_result_id::text, l.source, o.achieved, l.probability as candidate, l.pace,
       case when $3 = 0 then l.pace else before.probability end as replaced
from last o join learned l using (key_result_id)
left join prediction before
    on before.key_result_id = l.key_result_id and before.check_in_id = l.check_in_id and before.revision = l.revision
    and before.model = $1 and before.training = $3 and $3 > 0 and before.kind in ('live', 'replay')
    and before.model_version in (select version from model_version where model = $1 and training = $3)
order by o.knowledge_time, o.heard_seq, l.key_result_id

-- name: judged_stream
-- Check-ins that version $2 answered in the stream, of the newest $3 outcomes that it learned from.
with answered as (
    select p.key_result_id, p.source, p.probability, p.features, (p.baselines ->> 'linear_pace')::double precision as pace
    from prediction p
    where p.model = $1 and p.kind = 'live' and p.model_version = $2 and p.learned_seq is not null and p.check_in_id is not null
), last as (
    select key_result_id, achieved, heard_seq from outcome_heard
    where model = $1 and not superseding and achieved is not null and key_result_id in (select key_result_id from answered)
    order by heard_seq desc limit $3
)
select a.key_result_id::text, a.source, o.achieved, a.probability as candidate, a.features, a.pace
from last o join answered a using (key_result_id) order by o.heard_seq, a.key_result_id

-- name: retire
-- The one before it is no longer the previous one. Version 0 can always be taken up again, and needs no alias for it.
update model_version set alias = case when alias = 'champion' and version > 0 then 'previous' end
where model = $1 and alias in ('champion', 'previous')

-- name: retire_challenger
-- That of the same pipeline, and those of pipelines that learn in no shadow any more.
update model_version v set alias = null where model = $1 and alias = 'challenger'
  and (pipeline = $2 or not exists (select from challenger c where c.model = $1 and c.pipeline = v.pipeline))

-- name: is_champion
select exists (select from model_version where model = $1 and version = $2 and alias = 'champion')

-- name: crown
update model_version set alias = 'champion' where model = $1 and version = $2

-- name: put_change
insert into model_change (model, kind, version, served, serves, made_by, reason, learned_again, state_digest)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning change_id

-- name: changes
select change_id, model, kind, version, served, serves, made_by, reason, learned_again, state_digest, made_at
from model_change where model = $1 order by change_id desc limit $2

-- name: missed
-- What training $2 has still to learn: of outcomes heard after $3, the rows that it learned once, in their order; else one row
-- of each check-in and definition, its own before one that another version made in the stream after it was trained. Nothing of
-- a key result of which it had learned when it had learned $4 rows: an outcome taken back and told again is heard twice.
-- A raw score is its own by the version that made the row: a row belongs to whichever training has learned it last. Where
-- another pipeline served along this training, it is what pipeline $5 said in its shadow.
with ended as (
    select key_result_id, achieved, heard_seq, knowledge_time from outcome_heard
    where model = $1 and heard_seq > $3 and not superseding and achieved is not null
), trained as (
    select min(made_at) as at from model_version where model = $1 and training = $2
), found as (
    select p.prediction_id, p.key_result_id, e.achieved, p.features, p.kind, p.seq, p.training = $2 as own, p.learned_seq,
           case when v.training <> $2 then null when v.pipeline = $5 then p.raw
                else (select s.raw from shadow_prediction s
                      where s.prediction_id = p.prediction_id and s.pipeline = $5 and s.training = $2) end as raw, e.heard_seq,
           bool_or(p.training = $2 and p.learned_seq is not null) over (partition by p.key_result_id) as learned,
           coalesce(bool_or(p.training = $2 and p.learned_seq <= $4) over (partition by p.key_result_id), false) as known,
           row_number() over (partition by p.key_result_id, coalesce(p.check_in_id, p.key_result_id), p.revision
                              order by p.training = $2 desc, p.training desc) as choice
    from ended e join prediction p on p.key_result_id = e.key_result_id and p.model = $1
    left join model_version v on v.model = p.model and v.version = p.model_version, trained
    where p.features is not null and (p.learned_seq is not null or p.knowledge_time <= e.knowledge_time)
      and ((p.training = $2 and p.kind in ('live', 'replay')) or (p.kind = 'live' and p.made_at > trained.at))
)
select prediction_id, key_result_id::text, achieved, features, raw, learned_seq from found
where not known and case when learned then own and learned_seq is not null else choice = 1 end
order by heard_seq, case when own then learned_seq end nulls last, kind = 'live', seq

-- name: ask_for_change
-- One at a time of a kind: null where another one is open.
insert into work_item (pipeline, kind, subject, parameters) values ('trainer', $1, $2, $3) on conflict do nothing returning item_id

-- name: change_done
select state, result from work_item where item_id = $1

-- name: put_model
insert into model (model, sources) values ($1, $2) on conflict (model) do nothing

-- name: put_version_0
insert into model_version (model, version, alias, training, pipeline, contract_hash, libraries)
values ($1, 0, 'champion', 0, 'linear_pace', $2, $3) on conflict (model, version) do nothing

-- name: next_version
select coalesce(max(version), 0) + 1 as version, coalesce(max(training), 0) + 1 as training
from model_version where model = $1

-- name: put_version
insert into model_version
    (model, version, alias, training, pipeline, cut, since, until, check_ins, outcomes, learned, metrics, reference,
     contract_hash, libraries, state_digest, sha256, checkpoint, verdict, heard)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)

-- name: put_snapshot
-- The stream's model as it stands: what its training saw, and what the stream brought since.
insert into model_version
    (model, version, alias, training, pipeline, cut, since, until, check_ins, outcomes, learned, metrics, reference,
     contract_hash, libraries, state_digest, sha256, checkpoint, verdict, heard)
select t.model, $3, $14, t.training, $17, $4, t.since, $5,
       t.check_ins + (select count(*) from prediction p
                      where p.model = $1 and p.training = $2 and p.kind = 'live' and p.check_in_id is not null),
       $6, $7, $8, t.reference, $9, $10, $11, $12, $13, $15, $16
from model_version t where t.model = $1 and t.training = $2 order by t.version limit 1

-- name: registered_learned
-- How many rows the newest version of this training and pipeline had learned, whether it serves or not.
select max(learned) from model_version where model = $1 and training = $2 and pipeline = $3

-- name: ask_for_training
-- By an event: only while version 0 serves, and, where a training came to nothing better, with a quarter more outcomes ($3).
insert into work_item (pipeline, kind, subject, parameters)
select 'trainer', 'train_initial', $1, $2
where not exists (select from model_version where model = $1 and version > 0 and (alias = 'champion' or $3 < 1.25 * outcomes))
on conflict do nothing

-- name: ask_for_another_training
-- After a replay of a source. An item of its own: one of the first training may be open, and would swallow it.
insert into work_item (pipeline, kind, subject, parameters)
select 'trainer', 'train_again', m.model, $2 from model m where m.model = $1
on conflict do nothing

-- name: ask_for_rebuild
insert into work_item (pipeline, kind, subject, parameters) values ('trainer', 'train_initial', $1, '{"rebuild": true}')
on conflict do nothing

-- name: parameters
select parameters from work_item where item_id = $1

-- name: released
-- On okr_raw: the source's last released position, and whether a file of it is still being read.
select s.next_position - 1 as position, exists (
    select from file f where f.source = s.name and f.state not in ('done', 'quarantined', 'failed', 'vanished')) as reading
from source s where s.name = $1

-- name: applied
-- On okr_processed.
select position from source_head where source = $1

-- name: last_of_position
-- On okr_processed: the last version at or before this position.
select generation, position, seq from entity_version where source = $1 and position <= $2
order by generation desc, position desc, seq desc limit 1

-- name: history
-- On okr_processed: everything that held at the cut in the order of knowledge; of an outcome only its newest revision, and
-- nothing if that one was withdrawn. That a key result was closed, or a check-in withdrawn, counts as long as nothing said
-- it again; what a replay closed has no version left that held.
select v.source, v.generation, v.position, v.seq, v.entity, v.entity_id::text, v.revision, v.knowledge_time,
       v.batch_id, v.row_num, v.payload, v.closed
from entity_version v
join unnest($1::text[], $2::int[], $3::bigint[], $4::int[]) as cut (source, generation, position, seq)
    on v.source = cut.source and (v.generation, v.position, v.seq) <= (cut.generation, cut.position, cut.seq)
where v.entity <> 'objective'
  and (v.closed is null or (v.entity in ('key_result', 'check_in') and v.closed <> 'replayed'))
  and not exists (select from withdrawn w
                  where w.entity_id = v.entity_id and w.revision = v.revision and w.generation <= cut.generation)
  and not ((v.entity = 'outcome' or v.closed is not null) and exists (
      select from entity_version newer where newer.entity_id = v.entity_id and newer.revision > v.revision
        and (newer.generation, newer.position, newer.seq) <= (cut.generation, cut.position, cut.seq)))
order by v.knowledge_time, case when v.closed is not null then 3 when v.entity = 'key_result' then 0 when v.entity = 'check_in' then 1 else 2 end,
         v.payload ->> 'source_id' collate "C", v.source collate "C", v.revision


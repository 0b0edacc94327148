-- Each current row beside its newest version. Only rows that disagree come back.
-- Numbers are compared as float8, which is what records carry.

-- name: current_objectives
with newest as (
    select distinct on (entity_id) entity_id, revision, source, batch_id, row_num, knowledge_time, payload
    from entity_version where entity = 'objective' order by entity_id, revision desc
), said as (
    select n.*, p.* from newest n cross join lateral json_to_record(n.payload) as p (
        source_id text, title text, description text, start_on date, due_on date
    )
)
select coalesce(c.objective_id, n.entity_id) as entity_id,
    jsonb_build_object(
        'revision', c.revision, 'source', c.source, 'batch_id', c.batch_id, 'row_num', c.row_num,
        'knowledge_time', c.knowledge_time, 'source_id', c.source_id, 'title', c.title, 'description',
        c.description, 'start_on', c.start_on, 'due_on', c.due_on
    )::text as found,
    jsonb_build_object(
        'revision', n.revision, 'source', n.source, 'batch_id', n.batch_id, 'row_num', n.row_num,
        'knowledge_time', n.knowledge_time, 'source_id', n.source_id, 'title', n.title, 'description',
        n.description, 'start_on', n.start_on, 'due_on', n.due_on
    )::text as expected
from objective c full join said n on n.entity_id = c.objective_id
where (
    c.revision, c.source, c.batch_id, c.row_num, c.knowledge_time, c.source_id, c.title, c.description,
    c.start_on, c.due_on
) is distinct from (
    n.revision, n.source, n.batch_id, n.row_num, n.knowledge_time, n.source_id, n.title, n.description,
    n.start_on, n.due_on
)
order by 1

-- name: current_key_results
with newest as (
    select distinct on (entity_id) entity_id, revision, source, batch_id, row_num, knowledge_time, payload
    from entity_version where entity = 'key_result' order by entity_id, revision desc
), said as (
    select n.*, p.* from newest n cross join lateral json_to_record(n.payload) as p (
        source_id text, objective_id uuid, title text, description text, metric_kind text, direction text,
        inclusive boolean, unit text, baseline float8, target float8, start_on date, due_on date, due_known boolean,
        owner text, attributes jsonb
    )
)
select coalesce(c.key_result_id, n.entity_id) as entity_id,
    jsonb_build_object(
        'revision', c.revision, 'source', c.source, 'batch_id', c.batch_id, 'row_num', c.row_num,
        'knowledge_time', c.knowledge_time, 'source_id', c.source_id, 'objective_id', c.objective_id, 'title',
        c.title, 'description', c.description, 'metric_kind', c.metric_kind, 'direction', c.direction,
        'inclusive', c.inclusive, 'unit', c.unit, 'baseline', c.baseline::float8, 'target', c.target::float8,
        'start_on', c.start_on, 'due_on', c.due_on, 'due_known', c.due_known, 'owner', c.owner,
        'attributes', c.attributes::jsonb
    )::text as found,
    jsonb_build_object(
        'revision', n.revision, 'source', n.source, 'batch_id', n.batch_id, 'row_num', n.row_num,
        'knowledge_time', n.knowledge_time, 'source_id', n.source_id, 'objective_id', n.objective_id, 'title',
        n.title, 'description', n.description, 'metric_kind', n.metric_kind, 'direction', n.direction,
        'inclusive', coalesce(n.inclusive, true), 'unit', n.unit, 'baseline', n.baseline, 'target', n.target,
        'start_on', n.start_on, 'due_on', n.due_on, 'due_known', n.due_known, 'owner', n.owner,
        'attributes', coalesce(n.attributes, '{}')
    )::text as expected
from key_result c full join said n on n.entity_id = c.key_result_id
where (
    c.revision, c.source, c.batch_id, c.row_num, c.knowledge_time, c.source_id, c.objective_id, c.title,
    c.description, c.metric_kind, c.direction, c.inclusive, c.unit, c.baseline::float8, c.target::float8,
    c.start_on, c.due_on, c.due_known, c.owner, c.attributes::jsonb
) is distinct from (
    n.revision, n.source, n.batch_id, n.row_num, n.knowledge_time, n.source_id, n.objective_id, n.title,
    n.description, n.metric_kind, n.direction, coalesce(n.inclusive, true), n.unit, n.baseline, n.target,
    n.start_on, n.due_on, n.due_known, n.owner, coalesce(n.attributes, '{}')
)
order by 1

-- name: current_check_ins
with newest as (
    select distinct on (entity_id) entity_id, revision, source, batch_id, row_num, knowledge_time, payload
    from entity_version where entity = 'check_in' order by entity_id, revision desc
), said as (
    select n.*, p.* from newest n cross join lateral json_to_record(n.payload) as p (
        source_id text, key_result_id uuid, as_of date, recorded_at timestamptz, value float8, target float8,
        progress float8, status_raw text, status text, confidence float8, comment text
    )
)
select coalesce(c.check_in_id, n.entity_id) as entity_id,
    jsonb_build_object(
        'revision', c.revision, 'source', c.source, 'batch_id', c.batch_id, 'row_num', c.row_num,
        'knowledge_time', c.knowledge_time, 'source_id', c.source_id, 'key_result_id', c.key_result_id, 'as_of',
        c.as_of, 'recorded_at', c.recorded_at, 'value', c.value::float8, 'target', c.target::float8, 'progress',
        c.progress::float8, 'status_raw', c.status_raw, 'status', c.status, 'confidence', c.confidence::float8,
        'comment', c.comment
    )::text as found,
    jsonb_build_object(
        'revision', n.revision, 'source', n.source, 'batch_id', n.batch_id, 'row_num', n.row_num,
        'knowledge_time', n.knowledge_time, 'source_id', n.source_id, 'key_result_id', n.key_result_id, 'as_of',
        n.as_of, 'recorded_at', n.recorded_at, 'value', n.value, 'target', n.target, 'progress', n.progress,
        'status_raw', n.status_raw, 'status', n.status, 'confidence', n.confidence, 'comment', n.comment
    )::text as expected
from check_in c full join said n on n.entity_id = c.check_in_id
where (
    c.revision, c.source, c.batch_id, c.row_num, c.knowledge_time, c.source_id, c.key_result_id, c.as_of,
    c.recorded_at, c.value::float8, c.target::float8, c.progress::float8, c.status_raw, c.status,
    c.confidence::float8, c.comment
) is distinct from (
    n.revision, n.source, n.batch_id, n.row_num, n.knowledge_time, n.source_id, n.key_result_id, n.as_of,
    n.recorded_at, n.value, n.target, n.progress, n.status_raw, n.status, n.confidence, n.comment
)
order by 1

-- name: current_outcomes
with newest as (
    select distinct on (entity_id) entity_id, revision, source, batch_id, row_num, knowledge_time, payload
    from entity_version where entity = 'outcome' order by entity_id, revision desc
), said as (
    select n.*, p.* from newest n cross join lateral json_to_record(n.payload) as p (
        source_id text, key_result_id uuid, final_value float8, target float8, achieved boolean, resolution
        text, label_basis text
    )
)
select coalesce(c.outcome_id, n.entity_id) as entity_id,
    jsonb_build_object(
        'revision', c.revision, 'source', c.source, 'batch_id', c.batch_id, 'row_num', c.row_num,
        'knowledge_time', c.knowledge_time, 'source_id', c.source_id, 'key_result_id', c.key_result_id,
        'final_value', c.final_value::float8, 'target', c.target::float8, 'achieved', c.achieved, 'resolution',
        c.resolution, 'label_basis', c.label_basis
    )::text as found,
    jsonb_build_object(
        'revision', n.revision, 'source', n.source, 'batch_id', n.batch_id, 'row_num', n.row_num,
        'knowledge_time', n.knowledge_time, 'source_id', n.source_id, 'key_result_id', n.key_result_id,
        'final_value', n.final_value, 'target', n.target, 'achieved', n.achieved, 'resolution', n.resolution,
        'label_basis', n.label_basis
    )::text as expected
from outcome c full join said n on n.entity_id = c.outcome_id
where (
    c.revision, c.source, c.batch_id, c.row_num, c.knowledge_time, c.source_id, c.key_result_id,
    c.final_value::float8, c.target::float8, c.achieved, c.resolution, c.label_basis
) is distinct from (
    n.revision, n.source, n.batch_id, n.row_num, n.knowledge_time, n.source_id, n.key_result_id, n.final_value,
    n.target, n.achieved, n.resolution, n.label_basis
)
order by 1

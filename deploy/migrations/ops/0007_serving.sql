-- An outcome that is no more counts as one that was superseded, and is the key result's newest no longer.
alter table outcome_heard add column withdrawn boolean not null default false;
comment on column outcome_heard.superseding is 'another one counts, or none: it was withdrawn';

-- How a key result ended is asked of its newest outcome, superseding or not.
drop index outcome_heard_key_result;
create index outcome_heard_key_result on outcome_heard (key_result_id);
comment on column key_result_state.prediction_id is 'the newest that is shown: a late one only if it is the key result''s newest';

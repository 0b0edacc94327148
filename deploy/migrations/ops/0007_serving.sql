-- How a key result ended is asked of its newest outcome, superseding or not.
drop index outcome_heard_key_result;
create index outcome_heard_key_result on outcome_heard (key_result_id);
comment on column key_result_state.prediction_id is 'the newest that is shown: a late one only if it is the key result''s newest';

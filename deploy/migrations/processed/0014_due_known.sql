-- Whether the due date was known at the time the row tells of; null: its mapping or its row says nothing of that.
alter table key_result add column due_known boolean;

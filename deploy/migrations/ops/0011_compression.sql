-- Rows of predictions lie about the size from which PostgreSQL compresses; by its own method that took a third of the
-- time of writing them. A server that was built without lz4 goes on as before.
do $$ begin
    alter table prediction alter column features set compression lz4, alter column reasons set compression lz4;
exception when feature_not_supported then null;
end $$;

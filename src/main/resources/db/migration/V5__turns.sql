-- Calls to the provider, and tools that the server ran between them. Requests recorded before these columns were, also by
-- a server of an earlier release that shares the ledger, made one call and had no tools run.
alter table request add column turns integer not null default 1;
alter table request add column tool_calls integer not null default 0;

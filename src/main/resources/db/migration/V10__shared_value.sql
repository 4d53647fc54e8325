-- Values that all servers with this ledger use: the first that one of them has given.
create table shared_value (
  name varchar(64) not null primary key,
  text varchar(1000) not null
);

-- The tables of a Frappe site that a scheduler reads, with the columns of the app Background Tasks Unleashed.
CREATE TABLE tabDocType (name varchar(140) PRIMARY KEY);
INSERT INTO tabDocType VALUES ('BTU Task'), ('BTU Task Schedule');

CREATE TABLE tabSingles (doctype varchar(255), field varchar(255), value longtext, KEY singles (doctype, field));
INSERT INTO tabSingles VALUES
  ('System Settings', 'time_zone', 'America/New_York'),
  ('BTU Configuration', 'cron_time_zone', 'America/New_York');

CREATE TABLE `tabBTU Task` (
  name varchar(140) PRIMARY KEY, creation datetime(6), modified datetime(6), modified_by varchar(140), owner varchar(140),
  docstatus int NOT NULL DEFAULT 0, idx int NOT NULL DEFAULT 0,
  desc_short varchar(140), desc_long longtext, arguments longtext, function_string varchar(140),
  max_task_duration varchar(140), is_transient int, run_only_as_worker int, queue_name varchar(140), task_group varchar(140)
);

CREATE TABLE `tabBTU Task Schedule` (
  name varchar(140) PRIMARY KEY, creation datetime(6), modified datetime(6), modified_by varchar(140), owner varchar(140),
  docstatus int NOT NULL DEFAULT 0, idx int NOT NULL DEFAULT 0,
  task varchar(140), task_description varchar(140), enabled int NOT NULL DEFAULT 0, queue_name varchar(140),
  run_frequency varchar(140), cron_string varchar(140), day_of_week varchar(140), day_of_month varchar(140),
  month varchar(140), hour varchar(140), minute varchar(140), redis_job_id varchar(140), argument_overrides longtext,
  schedule_description varchar(140)
);

-- Where the app keeps what became of its tasks; Carillon may add rows of runs that no worker started.
CREATE TABLE `tabBTU Task Log` (
  name varchar(140) PRIMARY KEY, creation datetime(6), modified datetime(6), modified_by varchar(140), owner varchar(140),
  docstatus int NOT NULL DEFAULT 0, idx int NOT NULL DEFAULT 0,
  task varchar(140), task_desc_short varchar(140), task_component varchar(140), date_time_started datetime(6),
  execution_time decimal(21,9) NOT NULL DEFAULT 0, success_fail varchar(140), result_message text, stdout longtext,
  schedule varchar(140)
);

INSERT INTO `tabBTU Task` (name, modified, docstatus, desc_short, function_string, arguments, max_task_duration) VALUES
  ('TASK-0001', NOW(6), 1, 'Greets', 'shop.greet', '{"who": "Zoë"}', '60'),
  ('TASK-0002', NOW(6), 1, 'Pays wages', 'shop.payroll', NULL, '600s'),
  ('TASK-0003', NOW(6), 1, 'Always fails', 'shop.stumble', NULL, NULL);

INSERT INTO `tabBTU Task Schedule`
  (name, modified, task, enabled, queue_name, run_frequency, cron_string, hour, minute, argument_overrides, schedule_description)
VALUES
  -- Seven fields: every fifth second, so that there is something to see.
  ('TS-000001', NOW(6), 'TASK-0001', 1, 'default', 'Cron Style', '*/5 * * * * * *', NULL, NULL, NULL, 'A greeting'),
  ('TS-000002', NOW(6), 'TASK-0002', 1, 'long', 'Daily', '0 0 * * *', '19', '0', '{"city": "NYC"}', 'Payroll at 19:00'),
  ('TS-000003', NOW(6), 'TASK-0003', 1, 'short', 'Cron Style', '*/20 * * * * * *', NULL, NULL, NULL, 'One that fails'),
  ('TS-000004', NOW(6), 'TASK-0001', 1, 'default', 'Cron Style', 'every tuesday', NULL, NULL, NULL, 'One that is broken'),
  ('TS-000006', NOW(6), 'TASK-0001', 1, 'idle', 'Cron Style', '*/6 * * * * * *', NULL, NULL, NULL, 'On a queue of nobody');

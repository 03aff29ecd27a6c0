/// What Python runs as a `BusWorker`.
enum BusWorkerProgram {
    static let text = #"""
        import argparse, json, time
        import pika
        from pika.exceptions import AMQPError

        parser = argparse.ArgumentParser()
        parser.add_argument("url")
        parser.add_argument("topology", choices=["queues", "exchanges"])
        parser.add_argument("log")
        parser.add_argument("jobs", nargs="+")
        parser.add_argument("--declares", action="store_true")
        parser.add_argument("--tells-attempt", action="store_true")
        options = parser.parse_args()

        BEHAVIOURS = ["completes", "fails", "silent", "never-starts", "never-ends", "defies", "slow"]
        BEAT = 0.2
        # Of the runs at work, by their id. What is on its way out: it stays there until the broker has confirmed it.
        runs, outbox = {}, []

        class Work:
            def __init__(self, action):
                arguments = action.get("arguments") or {}
                self.job, self.run, self.attempt = action["jobName"], action["runId"], action.get("attempt", 1)
                named = next((b for b in BEHAVIOURS if self.job.startswith(b)), "completes")
                behaviour = arguments.get("behaviour", named)
                if behaviour == "silent" and self.attempt > 1: behaviour = "completes"
                self.behaviour = behaviour
                takes = float(arguments.get("seconds", {"slow": 2, "completes": 0.05, "fails": 0.05}.get(behaviour, 0)))
                now = time.monotonic()
                self.ends = now + takes if behaviour in ("slow", "completes", "fails") else None
                self.beats = now + BEAT if behaviour not in ("silent", "never-starts") else None
                if behaviour != "never-starts": self.tell("status", status="running")

            def tell(self, kind, **more):
                body = {"jobName": self.job, "runId": self.run, **more}
                if options.tells_attempt: body["attempt"] = self.attempt
                outbox.append((kind, self.job, body))

            def cancel(self):
                if self.behaviour in ("defies", "silent"): return
                self.tell("status", status="cancelled")
                runs.pop(self.run, None)

            def tick(self, now):
                if self.ends is not None and now >= self.ends:
                    # Only those that name the attempt also say why: Simple Scheduler's know of neither.
                    why = {"error": "it was to fail"} if self.behaviour == "fails" and options.tells_attempt else {}
                    self.tell("status", status="failed" if self.behaviour == "fails" else "completed", **why)
                    runs.pop(self.run, None)
                elif self.beats is not None and now >= self.beats:
                    self.beats = now + BEAT
                    self.tell("heartbeat")

        def take(channel, method, properties, body):
            action = json.loads(body)
            line = {
                "messageID": properties.message_id or "", "action": action["action"], "attempt": action.get("attempt", 1),
                "job": action["jobName"], "runID": action["runId"], "isRedelivered": method.redelivered,
                "isPersistent": properties.delivery_mode == 2, "contentType": properties.content_type or "",
                "traceparent": (properties.headers or {}).get("traceparent"),
                "scheduledAt": action.get("scheduledAt"), "arguments": action.get("arguments"),
            }
            with open(options.log, "a") as file: file.write(json.dumps(line) + "\n")
            # No care for doubles, as a plain worker has none: a run that comes twice is worked on twice.
            if action["action"] == "run":
                runs[action["runId"]] = Work(action)
            elif action["runId"] in runs:
                runs[action["runId"]].cancel()
            flush(channel)
            channel.basic_ack(method.delivery_tag)

        def flush(channel):
            while outbox:
                kind, job, body = outbox[0]
                base = "scheduler.job." + job
                exchange, key = (base, kind) if options.topology == "queues" else (base + "." + kind, "")
                properties = pika.BasicProperties(
                    content_type="application/json", delivery_mode=2, message_id=body["runId"])
                channel.basic_publish(exchange, key, json.dumps(body).encode(), properties, mandatory=True)
                outbox.pop(0)

        def consume(channel, job):
            base = "scheduler.job." + job
            if options.topology == "queues":
                queue = base + ".action"
                if options.declares:
                    channel.exchange_declare(base, "topic", durable=True)
                    for kind in ("action", "status", "heartbeat"):
                        channel.queue_declare(base + "." + kind, durable=True)
                        channel.queue_bind(base + "." + kind, base, kind)
                else:
                    channel.queue_declare(queue, passive=True)
            else:
                queue = "worker." + job
                for kind in ("action", "status", "heartbeat"):
                    channel.exchange_declare(base + "." + kind, "fanout", durable=True, passive=not options.declares)
                channel.queue_declare(queue, durable=True)
                channel.queue_bind(queue, base + ".action")
            channel.basic_consume(queue, take)

        while True:
            try:
                parameters = pika.URLParameters(options.url)
                parameters.heartbeat = 10
                connection = pika.BlockingConnection(parameters)
                channel = connection.channel()
                channel.confirm_delivery()
                for job in options.jobs: consume(channel, job)
                print("listening", flush=True)
                while True:
                    # A broker that closes the channel does not end this call.
                    connection.process_data_events(time_limit=0.02)
                    if not channel.is_open: raise pika.exceptions.ChannelClosed(0, "by the broker")
                    now = time.monotonic()
                    for work in list(runs.values()): work.tick(now)
                    flush(channel)
            except (AMQPError, OSError) as error:
                # The broker is away, or nobody has declared yet what is needed.
                print(repr(error), flush=True)
                try: connection.close()
                except Exception: pass
                time.sleep(0.2)
        """#
}

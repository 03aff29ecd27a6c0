import CarillonCore
import Timetable

extension StoreConformance {
    static let jobs: [Check<any JobStore>] = [
        Check("the store id is drawn once") { store in
            let id = try await store.storeID()
            try require(try await store.storeID(), is: id)
            try require(id != 0, "a store id of 0")
        },
        Check("a job comes back as it was put") { store in
            var job = Samples.job("ümläut / 'quote' \"x\"")
            job.tags = ["a", "b"]
            job.policies.retry = Retry(attempts: 3, backoff: 1, on: [.timeout])
            job.policies.overlap = .queue(max: 4)
            job.policies.catchUp = .all(limit: 7, rate: 0.5)
            job.schedule.exclusions = [.init(name: "holidays", dates: ["2026-12-25"])]
            let bench = try await Bench(store, job: job)
            try require(try await bench.fresh().job, is: job)
            try require(try await store.job(named: job.name)?.id, is: bench.job.id)
            try require(bench.job.revision, is: 1)
        },
        Check("a change is a new revision of the same number") { store in
            let bench = try await Bench(store)
            let changed = try await Bench.put(Samples.job("tick", every: "5s"), in: store, bench.term)
            try require(changed.id, is: bench.job.id)
            try require(changed.revision, is: 2)
            let old = try await store.definition(of: bench.job.id, revision: 1)
            try require(old?.schedule.rule, is: Samples.job("tick").schedule.rule)
            let new = try await store.definition(of: bench.job.id, revision: 2)
            try require(new?.schedule.rule, is: changed.job.schedule.rule)
        },
        Check("who knows an old revision changes nothing") { store in
            let bench = try await Bench(store)
            let job = Samples.job("tick", every: "5s")
            let changed = try await Bench.put(job, in: store, bench.term)
            let late: [JobChange] = [
                .change(bench.job.id, Samples.job("tick", every: "7s"), revision: 1),
                .remove(bench.job.id, revision: 1),
                .add(Samples.job("tick", every: "9s"), cursor: bench.start.plus(9), nextDue: nil, skips: []),
            ]
            let answers = try await store.apply(late, now: bench.start)
            try require(answers, is: [.stale(changed), .stale(changed), .stale(changed)])
            try require(try await bench.fresh(), is: changed)
            try require(try await store.apply([.remove(JobID(99), revision: 1)], now: bench.start), is: [.stale(nil)])
        },
        Check("of two who add a name one is told of the other") { store in
            let new = Samples.job("new")
            let add = JobChange.add(new, cursor: Samples.noon, nextDue: nil, skips: [])
            let answers = try await store.apply([add, add], now: Samples.noon)
            try require(answers[0].stored?.revision, is: 1)
            try require(answers[1], is: .stale(answers[0].stored))
        },
        Check("a change moves no cursor before it is taken up, and then in one step") { store in
            let bench = try await Bench(store)
            let before = bench.job
            _ = try await store.openRuns(
                [bench.advance(to: bench.start.plus(60), runs: [bench.run(bench.start.plus(60))])], under: bench.term,
                now: bench.start)
            let second = Samples.job("tick", every: "5s")
            let third = Samples.job("tick", every: "7s")
            var stored = before
            for job in [second, third] {
                let answer = try await store.apply(
                    [.change(stored.id, job, revision: stored.revision)], now: bench.start)
                stored = answer[0].stored ?? stored
            }
            try require(stored.revision, is: 3)
            try require(stored.isChanging, is: true)
            try require(try await bench.fresh(), is: stored)
            try require(stored.cursor, is: bench.start.plus(60))
            try require(try await store.cursors(), is: [JobCursor(id: before.id, nextDue: .distantPast)])
            let changing = try await store.changing([before.id])
            try require(changing.map(\.job), is: [stored])
            // The cursor follows the one that it followed at first.
            try require(changing.map(\.former.job), is: [before.job])
            try require(changing.map(\.former.revision), is: [1])
            // Who planned without having heard of it is refused, as is who heard and does not take it up, and a second take-up.
            var old = bench.advance(from: stored.cursor, to: bench.start.plus(120))
            for revision in [1, 3] as [Int64] {
                old.revision = revision
                try require(
                    try await store.openRuns([old], under: bench.term, now: bench.start).refused, is: [before.id])
            }
            var last = bench.run(bench.start.plus(120))
            last.revision = 1
            let up = JobAdvance(
                id: before.id, revision: 3, from: stored.cursor, to: bench.start.plus(121),
                nextDue: bench.start.plus(126), runs: [last],
                skips: [Samples.skip(before, after: bench.start.plus(60), through: bench.start.plus(119))],
                takesUp: true, countsAnew: true)
            try require(try await store.openRuns([up], under: bench.term, now: bench.start), is: Opened(new: [last]))
            try require(
                try await store.openRuns([up], under: bench.term, now: bench.start).refused, is: [before.id])
            let now = try await bench.fresh()
            try require(now.isChanging, is: false)
            try require(now.opened, is: 0)
            try require(try await store.changing([before.id]), is: [])
            try require(try await store.cursors(), is: [JobCursor(id: before.id, nextDue: bench.start.plus(126))])
            // Runs of the same times count on.
            let same = try await store.apply([.change(now.id, third, revision: 3)], now: bench.start)[0].stored
            let run = Samples.run(now, at: bench.start.plus(126), store: bench.id)
            _ = try await store.openRuns(
                [
                    JobAdvance(
                        id: now.id, revision: 4, from: now.cursor, to: bench.start.plus(126), nextDue: nil, runs: [run],
                        takesUp: true)
                ], under: bench.term, now: bench.start)
            try require(same?.revision, is: 4)
            try require(try await bench.fresh().opened, is: 1)
        },
        Check("a removal is taken up, also when the job returns before") { store in
            let bench = try await Bench(store)
            let gone = try await store.apply([.remove(bench.job.id, revision: 1)], now: bench.start)[0].stored
            try require(gone?.isRemoved, is: true)
            try require(try await store.job(named: "tick"), is: nil)
            try require(try await store.jobs(ofFeed: "files"), is: [])
            try require(try await store.cursors(), is: [JobCursor(id: bench.job.id, nextDue: .distantPast)])
            let add = JobChange.add(Samples.job("tick", every: "5s"), cursor: bench.start, nextDue: nil, skips: [])
            let back = try await store.apply([add], now: bench.start)[0].stored
            try require(back?.id, is: bench.job.id)
            try require(back?.revision, is: 3)
            let changing = try await store.changing([bench.job.id])
            try require(changing.first?.former.isRemoved, is: false)
            try require(changing.first?.former.job, is: bench.job.job)
            try await store.takeUp(back ?? bench.job, cursor: bench.start, nextDue: nil, under: bench.term)
            try await store.remove(bench.job.id, under: bench.term)
            try require(try await store.cursors(), is: [])
            let again = try await store.apply([add], now: bench.start)[0].stored
            try require(try await store.changing([bench.job.id]).first?.former.isRemoved, is: true)
            try require(again?.job, is: Samples.job("tick", every: "5s"))
        },
        Check("a removed job is gone, and returns under its number") { store in
            let bench = try await Bench(store)
            try await store.remove(bench.job.id, under: bench.term)
            try require(try await store.job(named: "tick") == nil, "a removed job is still there")
            try require(try await store.cursors(), is: [])
            try require(try await store.jobs(after: nil, limit: 10), is: [])
            let back = try await Bench.put(Samples.job("tick", feed: "other"), in: store, bench.term)
            try require(back.id, is: bench.job.id)
        },
        Check("a name has one spelling") { store in
            let bench = try await Bench(store, job: Samples.job("cafe\u{301}"))
            try require(Array(bench.job.job.name.utf8), is: Array("caf\u{e9}".utf8))
            let again = try await Bench.put(Samples.job("caf\u{e9}", every: "5s"), in: store, bench.term)
            try require(again.id, is: bench.job.id)
            try require(try await store.jobs(ofFeed: "files").map(\.id), is: [bench.job.id])
            try require(try await store.job(named: Job.canonical("cafe\u{301}"))?.id, is: bench.job.id)
        },
        Check("a job that returns is off as an order had it, another feed's of its name is not") { store in
            let bench = try await Bench(store, job: Samples.job("tick", feed: "files"))
            var off = bench.job.job
            off.standing = Standing(off: .disabled)
            _ = try await Bench.put(off, in: store, bench.term)
            try await store.remove(bench.job.id, under: bench.term)
            let back = try await Bench.put(Samples.job("tick", feed: "files"), in: store, bench.term)
            try require(back.job.standing, is: Standing(off: .disabled))
            try require(try await store.job(named: "tick")?.job.standing, is: Standing(off: .disabled))
            try require(try await store.cursors(), is: [])
            try await store.remove(bench.job.id, under: bench.term)
            let other = try await Bench.put(Samples.job("tick", feed: "other"), in: store, bench.term)
            try require(other.job.standing, is: nil)
        },
        Check("a name of another feed is left alone") { store in
            let bench = try await Bench(store)
            let other = Samples.job("tick", every: "1s", feed: "orders")
            let changes: [JobChange] = [
                .add(other, cursor: bench.start, nextDue: nil, skips: []),
                .change(bench.job.id, other, revision: bench.job.revision),
            ]
            try require(try await store.apply(changes, now: bench.start), is: [.foreign, .foreign])
            try require(try await bench.fresh(), is: bench.job)
        },
        Check("cursors are those of enabled jobs with a next time") { store in
            let bench = try await Bench(store)
            try await store.put(Samples.job("off", enabled: false), nextDue: nil, under: bench.term)
            try require(try await store.cursors(), is: [JobCursor(id: bench.job.id, nextDue: bench.start.plus(60))])
        },
        Check("jobs are listed by name, page by page") { store in
            let bench = try await Bench(store)
            for name in ["b", "a", "z"] { _ = try await Bench.put(Samples.job(name), in: store, bench.term) }
            try require(try await store.jobs(after: nil, limit: 2).map(\.job.name), is: ["a", "b"])
            try require(try await store.jobs(after: "b", limit: 9).map(\.job.name), is: ["tick", "z"])
        },
        Check("jobs are found by zone, target and feed, and counted by their schedules") { store in
            let bench = try await Bench(store)
            func put(_ name: String, _ zone: String, feed: String = "files", off: Bool = false) async throws {
                var job = Samples.job(name, feed: feed)
                job.schedule.zone = zone
                if off { job.standing = Standing(off: .disabled) }
                _ = try await Bench.put(job, in: store, bench.term)
            }
            try await put("a", "Europe/Berlin")
            try await put("b", "Europe/Berlin", feed: "frappe")
            try await put("c", "Europe/Berlin_", off: true)
            try await put("d \"zone\":\"Asia/Tokyo\"", "America/New_York")
            func names(_ query: JobQuery) async throws -> [String] {
                try require(try await store.count(query), is: try await store.jobs(query).count)
                return try await store.jobs(query).map(\.job.name)
            }
            try require(try await names(JobQuery(zone: "Europe/Berlin")), is: ["a", "b"])
            try require(try await names(JobQuery(zone: "Asia/Tokyo")), is: [])
            try require(try await names(JobQuery(zone: "Europe/Berlin", feed: "frappe")), is: ["b"])
            try require(try await names(JobQuery(feed: "frappe_")), is: [])
            let kind = bench.job.job.target.kind
            try require(try await names(JobQuery(zone: "America/New_York", target: kind)).count, is: 1)
            try require(try await names(JobQuery(target: Target.Kind(rawValue: "none"))), is: [])
            let counts = try await store.schedules(limit: 10)
            try require(counts.jobs, is: 4)
            try require(counts.entries.map(\.jobs), is: [2, 1, 1])
            try require(counts.entries[0].schedule.zone, is: "Europe/Berlin")
            let few = try await store.schedules(limit: 1)
            try require(few.jobs, is: 4)
            try require(few.entries.map(\.jobs), is: [2])
        },
        Check("what a job is to skip stands as it was laid") { store in
            let bench = try await Bench(store)
            var job = Samples.job("skips")
            job.standing = Standing(skipping: [bench.start.plus(60), bench.start.plus(180)])
            let stored = try await Bench.put(job, in: store, bench.term)
            try require(stored.job.standing?.skipping, is: [bench.start.plus(60), bench.start.plus(180)])
            try require(try await store.job(named: "skips")?.job, is: job)
        },
        Check("jobs are found by name, tag and state, and sorted by their next time") { store in
            let bench = try await Bench(store)
            func job(_ name: String, tags: [String] = [], off: Standing.Off? = nil, next: Int64?) async throws -> JobID
            {
                var job = Samples.job(name)
                job.tags = tags
                job.standing = off.map { Standing(off: $0) }
                let nextDue = next.map { bench.start.plus($0) }
                return try await store.put(job, cursor: bench.start, nextDue: nextDue, under: bench.term).id
            }
            let late = try await job("pay-late", tags: ["pay", "eu"], next: 90)
            let soon = try await job("pay-soon", tags: ["pay"], next: 30)
            _ = try await job("pay[1]", tags: ["pay"], off: .disabled, next: 10)
            _ = try await job("stuck", off: .halted("x"), next: 5)
            func names(_ query: JobQuery) async throws -> [String] {
                let found = try await store.jobs(query).map(\.job.name)
                var all = query
                all.limit = 1
                try require(try await store.count(all), is: found.count)
                return found
            }
            try require(
                try await names(JobQuery()), is: ["pay-late", "pay-soon", "pay[1]", "stuck", "tick"])
            try require(try await names(JobQuery(names: ["pay-*", "tick"])), is: ["pay-late", "pay-soon", "tick"])
            try require(
                try await names(JobQuery(names: ["pay[[]1]", "t?ck", "[^p]*k"])), is: ["pay[1]", "stuck", "tick"])
            try require(try await names(JobQuery(names: ["pay", "PAY-*"])), is: [])
            try require(try await names(JobQuery(tags: ["pay", "eu"])), is: ["pay-late"])
            try require(try await names(JobQuery(tags: ["p"])), is: [])
            try require(try await names(JobQuery(states: [.enabled])), is: ["pay-late", "pay-soon", "tick"])
            try require(try await names(JobQuery(states: [.disabled])), is: ["pay[1]"])
            try require(try await names(JobQuery(states: [.disabled, .halted])), is: ["pay[1]", "stuck"])
            try require(
                try await names(JobQuery(order: .next)), is: ["pay-soon", "tick", "pay-late", "pay[1]", "stuck"])
            try require(
                try await store.jobs(JobQuery(after: "pay-soon", limit: 2)).map(\.job.name), is: ["pay[1]", "stuck"])
            try require(try await store.count(JobQuery(after: "pay-soon", limit: 2)), is: 5)
            try require(try await names(JobQuery(states: [.failed, .active])), is: [])
            var runs: [Run] = []
            for (id, name, state) in [(late, "pay-late", RunState.failed), (soon, "pay-soon", .completed)] {
                var run = Run(
                    id: RunID(manualAt: bench.start, random: UInt64(id.number)), jobID: id, job: name, revision: 1,
                    trigger: .manual, scheduledAt: bench.start, createdAt: bench.start)
                run.term = bench.term.count
                run = try await store.openOrdered([run], under: bench.term, now: bench.start)[0] ?? run
                try require(try await names(JobQuery(states: [.active])).contains(name), "\(name) has an active run")
                run.state = state
                run.endedAt = bench.start.plus(1)
                runs.append(run)
                try await store.record([run], under: bench.term, now: bench.start)
            }
            try require(try await names(JobQuery(states: [.failed])), is: ["pay-late"])
            try require(try await names(JobQuery(states: [.active])), is: [])
            let last = try await store.lastRuns(of: [late, soon, bench.job.id])
            try require(last, is: [late: runs[0], soon: runs[1]])
            try require(try await store.runs(RunQuery(triggers: [.manual])).count, is: 2)
            try require(try await store.runs(RunQuery(triggers: [.schedule, .boot])).count, is: 0)
        },
        // As `Glob` reads them, whatever an expression of the server would make of them.
        Check("patterns of names are those of Glob") { store in
            let bench = try await Bench(store)
            let names = [
                "a.b", "axb", "a\\b", "a]b", "a[b", "a^b", "a-b", "a%b", "a_b", "ä", "(?i)AXB", "a\"b", "a,b",
                "\u{1F514}", "AXB", "a", "[[:alpha:]]", "[a-", "***", "the \"pay\" of \u{1F514}\u{1F514}\u{1F514}",
            ]
            for name in names { _ = try await Bench.put(Samples.job(name), in: store, bench.term) }
            let patterns = [
                "a.b", "a?b", "A*", "a[.]b", "a[]]b", "a[^]x]b", "a[\\]b", "a[%-_]b", "?", "*[ä-\u{1F514}]", "(?i)axb*",
                "[[:alpha:]]*", "[[][[]:*", "[a-", "a[z-a]b", "a[^z-a]b", "a[a-]b", "*[*]*", "*\"*", "a[^-]b", "**x**",
                "", "*alpha*", "*pha:]*", "*Alpha*", "*the*pay*", "*pay*the*", "*\"pay\"*", "*[e-f] \"pay*",
                "*\u{1F514}\u{1F514}\u{1F514}", "*\u{1F514}\u{1F514}\u{1F514}\u{1F514}*", "the [",
            ]
            for pattern in patterns {
                let query = JobQuery(names: [pattern], limit: 100)
                let expected = (names + ["tick"]).filter { Glob(pattern).matches($0) }.sorted {
                    $0.utf8.lexicographicallyPrecedes($1.utf8)
                }
                try require(try await store.jobs(query).map(\.job.name), is: expected)
                try require(try await store.count(query), is: expected.count)
            }
            let either = JobQuery(names: ["*alpha*", "axb", "*pay*"], limit: 100)
            try require(try await store.jobs(either).map(\.job.name), is: ["[[:alpha:]]", "axb", names.last!])
        },
        Check("the trail of orders is kept for its time, newest first") { store in
            let start = Samples.noon
            func entry(_ second: Int64, _ action: String, _ subject: String?, user: String? = "root") -> AuditEntry {
                AuditEntry(
                    at: start.plus(second), user: user, channel: "control socket", action: action, subject: subject,
                    before: "a\nb", after: nil, error: second == 3 ? "no" : nil)
            }
            let entries = [
                entry(1, "pause", nil), entry(2, "disable", "tick"), entry(3, "add", "tock", user: nil),
                entry(3, "delete", "tick"),
            ]
            for entry in entries { try await store.audit(entry, keep: 3_600_000_000) }
            try require(try await store.audits(AuditQuery()), is: entries.reversed())
            try require(try await store.audits(AuditQuery(limit: 2)), is: [entries[3], entries[2]])
            try require(try await store.audits(AuditQuery(subject: "tick")), is: [entries[3], entries[1]])
            try require(try await store.audits(AuditQuery(user: "root", action: "pause")), is: [entries[0]])
            try require(
                try await store.audits(AuditQuery(since: start.plus(2), until: start.plus(2))), is: [entries[1]])
            let late = entry(3_602, "resume", nil)
            try await store.audit(late, keep: 3_600_000_000)
            try require(try await store.audits(AuditQuery()), is: [late, entries[3], entries[2], entries[1]])
        },
        Check("digests are those of the definitions") { store in
            let bench = try await Bench(store)
            let digests = try await store.jobs(ofFeed: "files")
            try require(digests.map(\.digest), is: [bench.job.job.digest()])
            var elsewhere = bench.job.job
            elsewhere.origin.source = "/another/machine.toml"
            try require(elsewhere.digest(), is: bench.job.job.digest())
            try require(digests.map(\.source), is: ["jobs.d/a.toml"])
            try require(digests.map(\.nextDue), is: [bench.start.plus(60)])
            try require(try await store.jobs(ofFeed: "orders"), is: [])
        },
        Check("an old term writes nothing") { store in
            let bench = try await Bench(store)
            let newer = try await store.join("a", nonce: 2)
            try require(newer.count > bench.term.count, "the term did not grow")
            let old = bench.term
            let part = bench.advance(to: bench.start.plus(60))
            let next = [JobCursor(id: bench.job.id, nextDue: bench.start.plus(60))]
            let refused: [@Sendable () async throws -> Void] = [
                { _ = try await store.openRuns([part], under: old, now: bench.start) },
                { _ = try await store.record([bench.run(bench.start)], under: old, now: bench.start) },
                { try await store.rewind(next, under: old, now: bench.start.plus(-60)) },
                { try await store.beat(old, count: 1) },
                { try await store.leave(old) },
            ]
            for call in refused { try await require(throwing: .leaseLost, call) }
            try require(try await bench.fresh().cursor, is: bench.start)
            try require(try await store.openRuns([part], under: newer, now: bench.start).refused, is: [])
            try await store.leave(newer)
            try await require(throwing: .leaseLost) {
                try await store.record([], under: newer, now: bench.start)
            }
        },
        Check("whoever joins alone has every share, and reads all that stands in them") { store in
            let bench = try await Bench(store)
            try await store.deal(
                try await store.shards(counting: false).map { ShardMove($0, to: bench.term.instance) })
            let shards = try await store.shards(counting: true)
            try require(shards.prefix(Shard.shares).map(\.shard), is: Shard.all)
            try require(shards.allSatisfy { $0.holder == bench.term.instance }, "all are its own")
            try require(shards.map(\.jobs).reduce(0, +), is: 1)
            let run = bench.run(bench.start.plus(60))
            _ = try await store.openRuns(
                [bench.advance(to: bench.start.plus(60), runs: [run])], under: bench.term, now: bench.start)
            let taken = try await store.take(Set(Shard.all), under: bench.term)
            try require(taken, is: Taken(cursors: try await store.cursors(), runs: [run]))
            try require(try await store.take([Shard(7)], under: bench.term), is: Taken(cursors: [], runs: []))
            let known = try await store.instances().filter { $0.term != nil }
            try require(known.map(\.facts), is: [.sample("a")])
            try require(known[0].term, is: bench.term)
            try require(known[0].isHeard, "it was heard just now")
        },
        Check("notes are kept and removed") { store in
            try await store.setNote("pause", "because \"x\"")
            try require(try await store.note("pause"), is: "because \"x\"")
            try await store.setNote("pause.%", "p")
            try await store.setNote("pausenot", "n")
            try require(
                try await store.notes(withPrefix: "pause"),
                is: ["pause": "because \"x\"", "pause.%": "p", "pausenot": "n"])
            try require(try await store.notes(withPrefix: "pause."), is: ["pause.%": "p"])
            try require(try await store.notes(withPrefix: "pause%"), is: [:])
            try await store.setNote("pause", nil)
            try require(try await store.note("pause"), is: nil)
        },
        Check("whoever knows the revision of the notes knows whether any has changed") { store in
            var last = try await store.notesRevision()
            for (key, value) in [("a", "1"), ("a", "2"), ("b", "1"), ("a", nil)] as [(String, String?)] {
                try await store.setNote(key, value)
                let next = try await store.notesRevision()
                try require(next > last, "\(key) changed, and the revision is \(next) after \(last)")
                last = next
            }
            try require(try await store.notesRevision(), is: last)
        },
        Check("numbers are dense, whatever was refused between") { store in
            let bench = try await Bench(store)
            let other = JobChange.add(
                Samples.job("tick", feed: "orders"), cursor: bench.start, nextDue: nil, skips: [])
            for number in 2...4 {
                _ = try await store.apply([other, other], now: bench.start)
                let next = try await Bench.put(Samples.job("job \(number)"), in: store, bench.term)
                try require(next.id, is: JobID(Int32(number)))
            }
        },
        Check("tags are found after a change, and after a return") { store in
            var job = Samples.job("tick")
            job.tags = ["a", "b"]
            let bench = try await Bench(store, job: job)
            func names(_ tags: String...) async throws -> [String] {
                try await store.jobs(JobQuery(tags: tags)).map(\.job.name)
            }
            try require(try await names("a", "b"), is: ["tick"])
            job.tags = ["b", "c"]
            _ = try await Bench.put(job, in: store, bench.term)
            try require(try await names("a"), is: [])
            try require(try await names("c"), is: ["tick"])
            try await store.remove(bench.job.id, under: bench.term)
            try require(try await names("c"), is: [])
            job.tags = ["d"]
            _ = try await Bench.put(job, in: store, bench.term)
            try require(try await names("c"), is: [])
            try require(try await names("d"), is: ["tick"])
        },
    ]
}

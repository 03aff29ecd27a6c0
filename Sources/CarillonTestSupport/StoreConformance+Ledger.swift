import CarillonCore
import Timetable

extension StoreConformance {
    static let ledger: [Check<any JobStore>] = [
        Check("runs and the cursor are written together") { store in
            let bench = try await Bench(store)
            let run = bench.run(bench.start.plus(60))
            let part = bench.advance(to: bench.start.plus(60), runs: [run])
            let opened = try await store.openRuns([part], under: bench.term, now: bench.start.plus(60))
            try require(opened, is: Opened(new: [run]))
            let job = try await bench.fresh()
            try require(job.cursor, is: bench.start.plus(60))
            try require(job.nextDue, is: bench.start.plus(120))
            try require(job.opened, is: 1)
            try require(try await store.activeRuns(after: nil, limit: 10), is: [run])
            try require(try await store.run(run.id), is: run)
        },
        Check("a repeated batch is refused and doubles nothing") { store in
            let bench = try await Bench(store)
            let part = bench.advance(to: bench.start.plus(60), runs: [bench.run(bench.start.plus(60))])
            _ = try await store.openRuns([part], under: bench.term, now: bench.start)
            let again = try await store.openRuns([part], under: bench.term, now: bench.start)
            try require(again, is: Opened(refused: [bench.job.id]))
            try require(try await store.activeRuns(after: nil, limit: 10).count, is: 1)
        },
        Check("an occurrence has one run, whatever the cursor says") { store in
            let bench = try await Bench(store)
            let run = bench.run(bench.start.plus(60))
            _ = try await store.openRuns(
                [bench.advance(to: bench.start.plus(60), runs: [run])], under: bench.term, now: bench.start)
            let back = JobCursor(id: bench.job.id, nextDue: bench.start.plus(60))
            try await store.rewind([back], under: bench.term, now: bench.start)
            var other = run
            other.id = RunID(second: 1, hash: 2)
            let opened = try await store.openRuns(
                [bench.advance(to: bench.start.plus(60), runs: [other])], under: bench.term, now: bench.start)
            try require(opened.new, is: [])
            try require(opened.refused, is: [])
            try require(try await store.runs(RunQuery(job: "tick")).map(\.id), is: [run.id])
        },
        Check("a clash of run ids draws another id") { store in
            let bench = try await Bench(store)
            let first = bench.run(bench.start.plus(60))
            var second = bench.run(bench.start.plus(120))
            second.id = first.id
            let part = bench.advance(to: bench.start.plus(120), runs: [first, second])
            let opened = try await store.openRuns([part], under: bench.term, now: bench.start)
            try require(opened.new.count, is: 2)
            try require(Set(opened.new.map(\.id)).count, is: 2, "ids")
            try require(try await store.runs(RunQuery(job: "tick")).count, is: 2)
        },
        Check("of a large batch the new ones are answered, in its order") { store in
            let bench = try await Bench(store)
            var all = (1...100).map { bench.run(bench.start.plus(60 * $0)) }
            let end = bench.start.plus(6_000)
            let known = bench.advance(to: end, runs: [all[7], all[50]])
            _ = try await store.openRuns([known], under: bench.term, now: bench.start)
            let back = JobCursor(id: bench.job.id, nextDue: bench.start.plus(60))
            try await store.rewind([back], under: bench.term, now: bench.start)
            all[30].id = all[20].id
            let opened = try await store.openRuns(
                [bench.advance(to: end, runs: all)], under: bench.term, now: bench.start)
            all.remove(at: 50)
            all.remove(at: 7)
            try require(opened.new.map(\.scheduledAt), is: all.map(\.scheduledAt))
            try require(try await bench.fresh().opened, is: 100)
            let ids = Set(try await store.activeRuns(after: nil, limit: 200).map(\.id))
            try require(ids.count, is: 100, "ids")
            try require(ids.isSuperset(of: opened.new.map(\.id)), is: true, "the ids they got")
        },
        Check("a changed job refuses a plan of its old revision, the others go on") { store in
            let bench = try await Bench(store)
            let other = try await Bench.put(Samples.job("other"), in: store, bench.term)
            _ = try await Bench.put(Samples.job("tick", every: "5s"), in: store, bench.term)
            let run = Samples.run(other, at: bench.start.plus(60), store: bench.id)
            let parts = [
                bench.advance(to: bench.start.plus(60), runs: [bench.run(bench.start.plus(60))]),
                JobAdvance(
                    id: other.id, revision: 1, from: bench.start, to: bench.start.plus(60), nextDue: nil, runs: [run]),
            ]
            let opened = try await store.openRuns(parts, under: bench.term, now: bench.start)
            try require(opened, is: Opened(new: [run], refused: [bench.job.id]))
        },
        Check("a recorded run is what was recorded") { store in
            let bench = try await Bench(store)
            var run = bench.run(bench.start.plus(60))
            _ = try await store.openRuns(
                [bench.advance(to: bench.start.plus(60), runs: [run])], under: bench.term, now: bench.start)
            run.state = .failed
            run.attempt = 2
            run.notBefore = bench.start.plus(61)
            run.dispatchedAt = bench.start.plus(62)
            run.startedAt = bench.start.plus(63)
            run.endedAt = bench.start.plus(64)
            run.heartbeatAt = bench.start.plus(65)
            run.process = ProcessIdentity(pid: 7, startTicks: 8, bootID: "b:c")
            run.outcome = Outcome(exitCode: 3, signal: 9, error: "e\u{1}\n", outputTail: "ü")
            run.reason = "why"
            run.held = Hold(since: bench.start, until: bench.start.adding(microseconds: 7), why: "away")
            run.earlier = [EndedAttempt(attempt: 1, startedAt: nil, endedAt: bench.start, outcome: Outcome(error: "x"))]
            try await store.record([run], under: bench.term, now: bench.start)
            try require(try await store.run(run.id), is: run)
            try require(try await store.activeRuns(after: nil, limit: 10), is: [])
        },
        Check("active runs come page by page, and are found among those that have ended") { store in
            let bench = try await Bench(store)
            var runs = (1...9).map { bench.run(bench.start.plus(60 * Int64($0))) }
            _ = try await store.openRuns(
                [bench.advance(to: bench.start.plus(540), runs: runs)], under: bench.term, now: bench.start)
            for index in [0, 4, 8] { runs[index].state = .completed }
            try await store.record([runs[0], runs[4], runs[8]], under: bench.term, now: bench.start)
            let active = runs.filter { !$0.state.isFinal }.map(\.id)
            let first = try await store.activeRuns(after: nil, limit: 4).map(\.id)
            try require(first, is: Array(active.prefix(4)))
            try require(
                try await store.activeRuns(after: first.last, limit: 4).map(\.id), is: Array(active.dropFirst(4)))
            let found = try await store.runs(RunQuery(states: [.pending, .running], limit: 100))
            try require(found.map(\.id), is: active.reversed())
            // One that is gone tells no place: none of the rest may be missing after it.
            let rest = try await store.activeRuns(after: RunID(second: 1, hash: 1), limit: 100).map(\.id)
            try require(rest, is: active)
        },
        Check("a final run never moves again") { store in
            let bench = try await Bench(store)
            var run = bench.run(bench.start.plus(60))
            _ = try await store.openRuns(
                [bench.advance(to: bench.start.plus(60), runs: [run])], under: bench.term, now: bench.start)
            run.state = .completed
            try await store.record([run], under: bench.term, now: bench.start)
            var late = run
            late.state = .running
            let unwritten = try await store.record([late], under: bench.term, now: bench.start)
            try require(unwritten, is: [run.id])
            try require(try await store.run(run.id)?.state, is: .completed)
        },
        Check("what is not written is told") { store in
            let bench = try await Bench(store)
            var runs = [60, 120, 180].map { bench.run(bench.start.plus($0)) }
            _ = try await store.openRuns(
                [bench.advance(to: bench.start.plus(120), runs: Array(runs.prefix(2)))], under: bench.term,
                now: bench.start)
            runs[0].state = .failed
            try require(try await store.record([runs[0]], under: bench.term, now: bench.start), is: [])
            // The first again, as after a lost answer, one that goes on, and one that nobody has opened.
            runs[1].state = .running
            try require(
                try await store.record(runs, under: bench.term, now: bench.start), is: [runs[0].id, runs[2].id])
            try require(try await store.run(runs[1].id)?.state, is: .running)
            try require(try await store.run(runs[2].id), is: nil)
        },
        Check("what ends is counted once, by hour and state, and stays counted") { store in
            let bench = try await Bench(store)
            let times = (1...5).map { bench.start.plus(1_500 * Int64($0)) }
            var runs = times.map(bench.run)
            _ = try await store.openRuns(
                [bench.advance(to: times[4], runs: runs)], under: bench.term, now: bench.start)
            for index in runs.indices {
                runs[index].state = index == 1 ? .failed : .completed
                runs[index].startedAt = times[index]
                runs[index].endedAt = times[index].plus(2)
            }
            // In the middle of a batch, and once more.
            for batch in [Array(runs[0...2]), Array(runs[1...4]), runs] {
                try await store.record(batch, under: bench.term, now: times[4])
            }
            let hour = HourCount.hour(of: bench.start)
            let expected = [
                HourCount(hour: hour, state: .completed, runs: 1, took: 2_000_000),
                HourCount(hour: hour, state: .failed, runs: 1, took: 2_000_000),
                HourCount(hour: hour.plus(3_600), state: .completed, runs: 2, took: 4_000_000),
                HourCount(hour: hour.plus(7_200), state: .completed, runs: 1, took: 2_000_000),
            ]
            func counts(_ from: Timestamp, _ to: Timestamp) async throws -> [HourCount] {
                try await store.hours(from: from, to: to)
                    .sorted { ($0.hour, $0.state.rawValue) < ($1.hour, $1.state.rawValue) }
            }
            try require(try await counts(bench.start, times[4]), is: expected)
            try require(try await counts(hour.plus(3_599), hour.plus(3_600)), is: Array(expected.prefix(3)))
            try require(try await counts(hour.plus(3_601), hour.plus(7_199)), is: [expected[2]])
            _ = try await bench.pruned(Retention(age: 0, perJob: 1), now: times[4].plus(60))
            try require(try await counts(bench.start, times[4]), is: expected)
        },
        Check("a job's failures in a row are counted until one completes") { store in
            let bench = try await Bench(store)
            var time = bench.start
            func end(_ states: RunState...) async throws -> Int {
                let times = states.indices.map { time.plus(60 * Int64($0 + 1)) }
                var runs = times.map(bench.run)
                let part = bench.advance(from: time, to: times.last ?? time, runs: runs)
                _ = try await store.openRuns([part], under: bench.term, now: time)
                for (index, state) in states.enumerated() { runs[index].state = state }
                try await store.record(runs, under: bench.term, now: time)
                // What is told twice counts once.
                try await store.record(runs, under: bench.term, now: time)
                time = times.last ?? time
                return try await bench.fresh().streak
            }
            func failing() async throws -> [String] {
                try await store.jobs(JobQuery(states: [.failed])).map(\.job.name)
            }
            try require(try await end(.completed), is: 0)
            try require(try await failing(), is: [])
            try require(try await end(.failed), is: 1)
            try require(try await end(.failed, .skipped, .cancelled, .failed), is: 3)
            try require(try await failing(), is: ["tick"])
            // Another definition is the same job.
            _ = try await Bench.put(Samples.job("tick", every: "5s"), in: store, bench.term, cursor: time)
            try require(try await bench.fresh().streak, is: 3)
            try require(try await store.job(named: "tick")?.streak, is: 3)
        },
        Check("a completed run ends a row of failures, and those after it begin another") { store in
            let bench = try await Bench(store)
            let times = (1...4).map { bench.start.plus(60 * Int64($0)) }
            var runs = times.map(bench.run)
            _ = try await store.openRuns(
                [bench.advance(to: times[3], runs: runs)], under: bench.term, now: bench.start)
            for (index, state) in [RunState.failed, .failed, .completed, .failed].enumerated() {
                runs[index].state = state
            }
            try await store.record([runs[0]], under: bench.term, now: bench.start)
            try require(try await bench.fresh().streak, is: 1)
            try await store.record(Array(runs[1...3]), under: bench.term, now: bench.start)
            try require(try await bench.fresh().streak, is: 1)
            try require(try await store.runs(RunQuery(states: [.failed])).map(\.id), is: [3, 1, 0].map { runs[$0].id })
        },
        Check("a run that a time-out cancelled counts as a failure of its job") { store in
            let bench = try await Bench(store)
            var run = bench.run(bench.start.plus(60))
            _ = try await store.openRuns(
                [bench.advance(to: run.scheduledAt, runs: [run])], under: bench.term, now: bench.start)
            run.state = .cancelled
            run.outcome.error = "it took too long"
            try await store.record([run], under: bench.term, now: bench.start)
            try require(try await bench.fresh().streak, is: 1)
        },
        Check("manual runs stand outside the occurrences") { store in
            let bench = try await Bench(store)
            let time = bench.start.plus(60)
            let part = bench.advance(to: time, runs: [bench.run(time)])
            _ = try await store.openRuns([part], under: bench.term, now: bench.start)
            var manual = Samples.run(bench.job, at: time, store: bench.id, trigger: .manual)
            manual.arguments = ["width": "640", "note": "\"é\""]
            manual.id = RunID(manualAt: time, random: 1)
            let opened = try await store.openOrdered([manual, manual], under: bench.term, now: time).compactMap {
                $0?.id
            }
            try require(Set(opened).count, is: 2)
            try require(try await store.runs(RunQuery(job: "tick")).count, is: 3)
            let recent = try await store.recent(of: ["nobody", "tick"], limit: 2)
            try require(
                recent.map(\.runs), is: [[], try await store.runs(RunQuery(job: "tick", limit: 2)).map { .init($0) }])
            try require(try await bench.fresh().opened, is: 1)
        },
        Check("a time has one run, whoever opens it, and others may repeat it") { store in
            let bench = try await Bench(store)
            let times = [60, 120].map { bench.start.plus($0) }
            let part = bench.advance(to: times[1], runs: [bench.run(times[0])])
            _ = try await store.openRuns([part], under: bench.term, now: bench.start)
            var late = times.map {
                Samples.run(bench.job, at: $0, store: bench.id, trigger: .backfill, under: bench.term)
            }
            late[1].cause = .missed(.paused, detail: "a new disk")
            let opened = try await store.openOrdered(late, under: bench.term, now: times[1])
            try require(opened, is: [nil, late[1]])
            try require(try await store.openOrdered(late, under: bench.term, now: times[1]), is: [nil, nil])
            var again = late[0]
            again.cause = .repeats(late[0].id)
            try require(
                try await store.openOrdered([again], under: bench.term, now: times[1]), is: [nil], "it goes on")
            var ended = bench.run(times[0])
            ended.state = .failed
            ended.endedAt = times[1]
            try await store.record([ended], under: bench.term, now: times[1])
            guard let repeated = try await store.openOrdered([again], under: bench.term, now: times[1])[0] else {
                throw ConformanceFailure(description: "a run that repeats another was not opened")
            }
            try require(repeated.id != late[0].id, "it repeats another run under the same id")
            try require(
                try await store.openOrdered([again], under: bench.term, now: times[1]), is: [nil],
                "what it repeats is not the last any more")
            for run in [late[1], repeated] { try require(try await store.run(run.id), is: run) }
            try require(try await store.runs(RunQuery(job: "tick", triggers: [.backfill])).count, is: 2)
        },
        Check("what is asked for under a key is opened once") { store in
            let bench = try await Bench(store)
            let asked = Cause.asked(under: "order 7")
            var run = Samples.run(bench.job, at: bench.start, store: bench.id, trigger: .manual, under: bench.term)
            run.cause = asked
            try require(try await store.run(of: run.jobID, cause: asked), is: nil)
            try require(try await store.openOrdered([run], under: bench.term, now: bench.start), is: [run])
            var again = run
            again.id.hash &+= 7
            again.scheduledAt = bench.start.plus(60)
            try require(try await store.openOrdered([again], under: bench.term, now: bench.start), is: [nil])
            // Also under an id that is taken.
            try require(try await store.openOrdered([run], under: bench.term, now: bench.start), is: [nil])
            again.cause = .asked(under: "order 8")
            try require(try await store.openOrdered([again], under: bench.term, now: bench.start), is: [again])
            try require(try await store.run(of: run.jobID, cause: asked), is: run)
            var ended = run
            (ended.state, ended.endedAt) = (.completed, bench.start.plus(1))
            try await store.record([ended], under: bench.term, now: bench.start)
            try require(try await store.openOrdered([run], under: bench.term, now: bench.start), is: [nil])
        },
        Check("skips that touch are one record") { store in
            let bench = try await Bench(store)
            let times = (0...3).map { bench.start.plus(Int64($0) * 60) }
            for (from, to) in zip(times, times.dropFirst()) {
                let skip = Samples.skip(bench.job, after: from, through: to, .overlap)
                _ = try await store.openRuns(
                    [bench.advance(from: from, to: to, skips: [skip])], under: bench.term, now: to)
            }
            let skips = try await store.skips(RunQuery(job: "tick"))
            let recent = try await store.recent(of: ["tick", "nobody"], limit: 10)
            try require(recent.map(\.skips), is: [skips, []])
            try require(
                recent.map(\.runs), is: [try await store.runs(RunQuery(job: "tick", limit: 10)).map { .init($0) }, []])
            try require(skips.map(\.after), is: [times[0]])
            try require(skips.map(\.through), is: [times[3]])
        },
        Check("a rewind sets cursors back and cuts skips short") { store in
            let bench = try await Bench(store)
            let year = bench.start.plus(365 * 86_400)
            let skip = Samples.skip(bench.job, after: bench.start, through: year, .clock)
            _ = try await store.openRuns([bench.advance(to: year, skips: [skip])], under: bench.term, now: year)
            let all = Set(Shard.all)
            let others = all.subtracting([Shard(of: bench.job.id)])
            try require(try await store.jobs(cursorAfter: bench.start.plus(10), in: others, limit: 5), is: [])
            try require(
                try await store.jobs(cursorAfter: bench.start.plus(10), in: all, limit: 5).map(\.id), is: [bench.job.id]
            )
            let now = bench.start.plus(120)
            let back = JobCursor(id: bench.job.id, nextDue: now.plus(60))
            try await store.rewind([back], under: bench.term, now: now)
            let job = try await bench.fresh()
            try require(job.cursor, is: now)
            try require(job.nextDue, is: now.plus(60))
            try require(try await store.skips(RunQuery(job: "tick")).map(\.through), is: [now])
            try require(try await store.jobs(cursorAfter: now, in: all, limit: 5), is: [])
        },
        Check("retention keeps the young, the last ones, and what is active") { store in
            let bench = try await Bench(store)
            var runs = (1...6).map { bench.run(bench.start.plus(Int64($0) * 60)) }
            let last = bench.start.plus(360)
            _ = try await store.openRuns([bench.advance(to: last, runs: runs)], under: bench.term, now: last)
            for index in 1..<6 { runs[index].state = .completed }
            try await store.record(runs, under: bench.term, now: last)
            // Older than three minutes: runs 1 (active, stays), 2 and, at exactly the limit, not 3.
            let age = Retention(age: 180_000_000, perJob: 100)
            let old = try await store.prune(age, under: bench.term, now: last, limit: 100)
            try require(old.map(\.id), is: [runs[1].id])
            try require(old.map(\.job), is: ["tick"])
            try require(try await store.prune(age, under: bench.term, now: last, limit: 100).count, is: 0)
            let crowd = try await bench.pruned(Retention(age: 1_000_000_000_000, perJob: 2), now: last)
            try require(Set(crowd), is: Set([runs[2].id, runs[3].id]))
            try require(try await store.runs(RunQuery(job: "tick")).count, is: 3)
        },
        Check("what ended lately stays, however long ago it was scheduled") { store in
            let bench = try await Bench(store)
            let time = bench.start.plus(60)
            var run = bench.run(time)
            _ = try await store.openRuns([bench.advance(to: time, runs: [run])], under: bench.term, now: time)
            run.state = .completed
            run.endedAt = time.plus(1_000)
            try await store.record([run], under: bench.term, now: time)
            let retention = Retention(age: 500_000_000, perJob: 100)
            try require(try await bench.pruned(retention, now: time.plus(1_400)), is: [])
            try require(try await bench.pruned(retention, now: time.plus(1_600)), is: [run.id])
        },
        Check("a bound before 1970, or one after 2106, lets go of nothing that is younger") { store in
            let bench = try await Bench(store)
            let last = bench.start.plus(540)
            let runs = try await bench.ended((1...9).map { bench.start.plus(60 * $0) })
            for years in [50, 57, 60, 100, 200, 300_000] as [Int64] {
                let age = Retention(age: years &* 366 &* 86_400 &* 1_000_000, perJob: 100)
                guard age.age > 0 else { continue }
                try require(try await bench.pruned(age, now: last), is: [], "\(years) years")
            }
            try require(try await bench.pruned(Retention(age: .max, perJob: 100), now: last), is: [])
            // A clock that starts in 1970, and one that is far ahead.
            let day = Retention(age: 86_400_000_000, perJob: 100)
            try require(try await bench.pruned(day, now: Timestamp(seconds: 3_600)), is: [])
            try require(try await store.runs(RunQuery(job: "tick")).count, is: 9)
            let far = try await bench.pruned(day, now: Timestamp(seconds: 5_000_000_000))
            try require(Set(far), is: Set(runs.map(\.id)))
        },
        Check("runs before 1970 and after 2106 are found, in their order, and go when they are old") { store in
            let bench = try await Bench(store)
            let times = [
                Timestamp(seconds: -10_000), Timestamp(seconds: 1_000), bench.start, Timestamp(seconds: 4_294_967_290),
                Timestamp(seconds: 4_294_967_300), Timestamp(seconds: 5_000_000_000),
            ]
            let runs = try await bench.ended(times)
            try require(try await store.runs(RunQuery(limit: 10)).map(\.scheduledAt), is: times.reversed())
            let since = RunQuery(since: Timestamp(seconds: 4_294_967_290), limit: 10)
            try require(try await store.runs(since).map(\.scheduledAt), is: times.suffix(3).reversed())
            let until = RunQuery(until: Timestamp(seconds: 1_000), limit: 10)
            try require(try await store.runs(until).map(\.scheduledAt), is: times.prefix(2).reversed())
            try require(
                try await store.runs(RunQuery(job: "tick", limit: 10)).map(\.scheduledAt), is: times.reversed())
            let day = Retention(age: 86_400_000_000, perJob: 100)
            let now = Timestamp(seconds: 4_294_967_300 + 86_401)
            try require(Set(try await bench.pruned(day, now: now)), is: Set(runs.prefix(5).map(\.id)))
        },
        Check("of many jobs each keeps its last runs, bite by bite") { store in
            let bench = try await Bench(store)
            var kept: [String: [Timestamp]] = [:]
            var going = 0
            for number in 0..<30 {
                let job = try await Bench.put(Samples.job("job \(number)"), in: store, bench.term)
                let count = Int64(number * 7 % 60 + 1)
                let times = (1...count).map { bench.start.plus(60 * $0) }
                var runs = times.map { Samples.run(job, at: $0, store: bench.id) }
                let part = JobAdvance(
                    id: job.id, revision: 1, from: bench.start, to: bench.start.plus(60 * count), nextDue: nil,
                    runs: runs)
                _ = try await store.openRuns([part], under: bench.term, now: bench.start)
                // Every fifth is still active, and counts for nothing.
                for index in runs.indices where index % 5 != 2 { runs[index].state = .completed }
                try await store.record(runs, under: bench.term, now: bench.start)
                let ended = runs.filter(\.state.isFinal).map(\.scheduledAt)
                let stay = Set(ended.suffix(10) + runs.filter { !$0.state.isFinal }.map(\.scheduledAt))
                kept[job.job.name] = stay.sorted(by: >)
                going += ended.count - min(10, ended.count)
            }
            let retention = Retention(age: 1_000_000_000_000, perJob: 10)
            let gone = try await bench.pruned(retention, now: bench.start.plus(3_600), limit: 7)
            try require(gone.count, is: going)
            try require(Set(gone).count, is: going, "runs that went")
            for (name, times) in kept {
                try require(try await store.runs(RunQuery(job: name, limit: 100)).map(\.scheduledAt), is: times, name)
            }
        },
    ]

    static let reading: [Check<any JobStore>] = [
        Check("runs are found by job, state, time and the beginning of their id") { store in
            let bench = try await Bench(store)
            var runs = (1...4).map { bench.run(bench.start.plus(Int64($0) * 60)) }
            let last = bench.start.plus(240)
            _ = try await store.openRuns([bench.advance(to: last, runs: runs)], under: bench.term, now: last)
            runs[2].state = .failed
            try await store.record([runs[2]], under: bench.term, now: last)
            let newest = Array(runs.reversed())
            try require(try await store.runs(RunQuery(limit: 3)), is: Array(newest.prefix(3)))
            try require(try await store.runs(RunQuery(job: "tick", limit: 2)), is: Array(newest.prefix(2)))
            try require(try await store.runs(RunQuery(states: [.failed])), is: [runs[2]])
            let some = RunQuery(since: runs[1].scheduledAt, until: runs[2].scheduledAt)
            try require(try await store.runs(some), is: [runs[2], runs[1]])
            try require(try await store.runs(RunQuery(job: "nobody")), is: [])
            let prefix = String(runs[0].id.description.prefix(20))
            try require(try await store.runs(idPrefix: prefix, limit: 5), is: [runs[0]])
            // The ids of these four are in the order of their times; one need not be there to be asked for.
            let none = RunID(second: runs[2].id.second, hash: runs[2].id.hash &- 1)
            try require(
                try await store.neighbours(of: [runs[3].id, runs[0].id, runs[1].id, none]),
                is: [
                    RunNeighbours(before: runs[2].id), RunNeighbours(after: runs[1].id),
                    RunNeighbours(before: runs[0].id, after: runs[2].id),
                    RunNeighbours(before: runs[1].id, after: runs[2].id),
                ])
            try require(try await store.neighbours(of: []), is: [])
            try require(try await store.activeRuns(after: runs[0].id, limit: 2), is: [runs[1], runs[3]])
            let counts = try await store.counts()
            try require(counts, is: StoreCounts(jobs: 1, enabled: 1, active: ["pending": 3]))
        }
    ]
}

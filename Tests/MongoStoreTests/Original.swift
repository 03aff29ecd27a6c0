#if MongoDB
    import CarillonCore
    import MongoClient
    import MongoStore
    import Timetable

    /// Documents as Simple Scheduler writes them with Go's driver: whole numbers as short as they may be, no time as the first
    /// moment of the year 1, and a run's own time the one that its job was due at.
    enum Original {
        static let noTime = BSONValue.date(-62_135_596_800_000)
        static let manager = BSONValue.objectID(ObjectID("6799b53b33fcc6482f29c96f") ?? .zero)

        /// Milliseconds since 1970.
        static func milliseconds(_ time: Timestamp) -> Int64 { time.microseconds / 1_000 }

        static func job(
            _ name: String, next: Timestamp?, every interval: Int64, enabled: Bool = true, manager: BSONValue? = nil,
            heartbeat: Timestamp? = nil
        ) -> BSONDocument {
            var job: BSONDocument = [
                "_id": .string(name), "enabled": .bool(enabled),
                "nextRunAt": next.map { .date(milliseconds($0)) } ?? noTime, "interval": short(interval),
                "runExecutionTimeout": 30_000, "runStartTimeout": 10_000, "maxQueueCount": 5,
                "allowConcurrentRuns": false, "heartbeatTimeout": 0,
            ]
            if let manager { job.append("managerId", manager) }
            job.append("heartbeat", heartbeat.map { .date(milliseconds($0)) } ?? noTime)
            return job
        }

        private static func short(_ number: Int64) -> BSONValue {
            Int32(exactly: number).map { .int32($0) } ?? .int64(number)
        }

        /// A run that was due at a time and written so many seconds later.
        static func run(
            _ number: Int, of job: String, due: Timestamp, late: Int64 = 0, _ status: String,
            started: Timestamp? = nil, ended: Timestamp? = nil
        ) -> BSONDocument {
            [
                "_id": .objectID(id(number, at: due.seconds + late)), "jobName": .string(job),
                "status": .string(status), "createdTime": .date(milliseconds(due)),
                "startTime": started.map { .date(milliseconds($0)) } ?? noTime,
                "endTime": ended.map { .date(milliseconds($0)) } ?? noTime,
                "heartbeat": .date(milliseconds(due)),
            ]
        }

        static func id(_ number: Int, at second: Int64) -> ObjectID {
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: second >> (24 - 8 * $0)) }
            let rest = (0..<8).map { UInt8(truncatingIfNeeded: Int64(number) >> (56 - 8 * $0)) }
            return ObjectID(bytes: bytes + rest) ?? .zero
        }
    }

    // MARK: A whole database

    extension Original {
        /// When it is taken over: between the times of every job.
        static let now = Timestamp(microseconds: 1_795_860_000_400_000)

        static let jobs = 50
        static let runs = 5_000

        static func name(_ number: Int) -> String { "job-\(number < 10 ? "0" : "")\(number)" }

        /// The interval of a job, in milliseconds.
        static func interval(_ number: Int) -> Int64 { Int64(number % 7 + 1) * 60_000 + Int64(number) }

        /// The time that a job has next: none is due yet.
        static func next(_ number: Int) -> Timestamp {
            now.adding(microseconds: interval(number) * 1_000 * Int64(number + 1) / 60 / 1_000 * 1_000)
        }

        /// Puts 50 jobs with 100 runs each into a database; of each job the last run goes on.
        static func fill(_ documents: any Documents) async throws {
            let managers: [BSONValue?] = [nil, .objectID(.zero), manager]
            _ = try await documents.insert(
                "jobs",
                (0..<jobs).map { number in
                    job(
                        name(number), next: next(number), every: interval(number), enabled: number % 10 != 9,
                        manager: managers[number % 3], heartbeat: now.adding(microseconds: -3_600_000_000))
                })
            for number in 0..<jobs {
                let each = runs / jobs
                _ = try await documents.insert(
                    "runs",
                    (0..<each).map { place in
                        let due = next(number).adding(microseconds: -interval(number) * 1_000 * Int64(each - place))
                        let (start, end) = (due.adding(microseconds: 50_000), due.adding(microseconds: 90_000))
                        let id = number * each + place
                        if place == each - 1 {
                            switch number % 3 {
                            case 0: return run(id, of: name(number), due: due, "pending")
                            case 1: return run(id, of: name(number), due: due, "running", started: start)
                            default: return run(id, of: name(number), due: due, "cancelling", started: start)
                            }
                        }
                        let status = ["completed", "failed", "cancelled"][place % 3]
                        return run(id, of: name(number), due: due, status, started: start, ended: end)
                    })
            }
            _ = try await documents.insert("managers", [["_id": manager, "hostname": "old"]])
        }
    }
#endif

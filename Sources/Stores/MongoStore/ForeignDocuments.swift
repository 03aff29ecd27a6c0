#if MongoDB
    package import CarillonCore
    import Logging
    import MongoClient
    package import Timetable

    /// A job as Simple Scheduler left it: lengths of time in milliseconds, nil for what its document does not say.
    package struct ForeignJob: Hashable, Sendable {
        package var name: String
        package var enabled: Bool?
        package var nextRunAt: Timestamp?
        package var interval: Int64?
        package var runExecutionTimeout: Int64?
        package var runStartTimeout: Int64?
        package var maxQueueCount: Int64?
        package var allowConcurrentRuns: Bool?
        package var heartbeatTimeout: Int64?
        /// Whether some manager has it; all of its id zero is none.
        package var isManaged: Bool
        /// When its manager has given a sign of life, as far as it wrote that down.
        package var heartbeat: Timestamp?
        /// Whether its next time has its run already: its manager ended between that and the time after it.
        package var isOpened = false
    }

    /// A run as Simple Scheduler left it.
    package struct ForeignRun: Hashable, Sendable {
        package var id: RunID
        package var job: String
        package var state: RunState
        /// The time that it was scheduled at; the second that its id was drawn in where nothing is said.
        package var createdAt: Timestamp
        package var startedAt: Timestamp?
        package var endedAt: Timestamp?
        package var heartbeatAt: Timestamp?
    }

    /// A document that holds something else than Simple Scheduler writes.
    package struct UnreadableDocument: Hashable, Sendable, CustomStringConvertible {
        /// Its collection and its name.
        package var what: String
        /// The field, and what is wrong with it.
        package var why: String

        package var description: String { "\(what): \(why)" }
    }

    /// What is read of documents, and those that cannot be read.
    package struct ForeignReading<Value: Sendable>: Sendable {
        package var values: [Value] = []
        package var unreadable: [UnreadableDocument] = []
    }

    /// What Simple Scheduler has left in a database: the documents without any field of ours.
    package struct ForeignDocuments: Sendable {
        private let documents: any Documents

        package init(_ documents: any Documents) { self.documents = documents }

        /// Reaches a database, for reading alone. Throws `StoreError`.
        package static func open(_ address: StoreAddress) throws -> ForeignDocuments {
            do {
                var configuration = try MongoConfiguration(url: address.url)
                configuration.password = address.password ?? configuration.password
                configuration.caFile = address.caFile
                configuration.certificateFile = address.certificateFile
                guard !configuration.database.isEmpty else {
                    throw StoreError(.refused, "\(configuration.address): the address names no database")
                }
                return ForeignDocuments(
                    ServerDocuments(try MongoClient(configuration, logger: Logger(label: "carillon.import"))))
            } catch {
                throw StoreError(mongo: error)
            }
        }

        package func close() async { await documents.close() }

        /// Documents of one question to the server.
        static let mostAtOnce = 1_000

        // MARK: Jobs

        private static let isForeignJob: DocumentFilter = [.isMissing("number")]

        /// Reads every job, by name.
        package func jobs() async throws -> ForeignReading<ForeignJob> {
            let gathered = Gathered<BSONDocument>()
            try await documents.scan(Layout.jobs, Self.isForeignJob, fields: [], sort: []) { gathered.add($0) }
            var reading = ForeignReading<ForeignJob>()
            for document in gathered.all {
                var fields = ForeignFields(document)
                if let job = fields.job() {
                    reading.values.append(job)
                } else {
                    reading.unreadable.append(fields.unreadable("the job"))
                }
            }
            reading.values.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            try await markOpened(&reading.values)
            return reading
        }

        /// A manager writes a run under the time that the job has next, and then the time after it.
        private func markOpened(_ jobs: inout [ForeignJob]) async throws {
            for start in stride(from: 0, to: jobs.count, by: Self.mostAtOnce) {
                let some = start..<min(start + Self.mostAtOnce, jobs.count)
                let times = Set(some.compactMap { jobs[$0].nextRunAt })
                if times.isEmpty { continue }
                let found = try await documents.find(
                    Layout.runs,
                    [
                        .isOneOf("jobName", some.map { .string(jobs[$0].name) }),
                        .isOneOf("createdTime", times.map { .date($0) }),
                    ], fields: ["jobName", "createdTime"])
                let opened = found.reduce(into: [String: Set<BSONValue>]()) { opened, run in
                    guard let name = run["jobName"]?.string, let time = run["createdTime"] else { return }
                    opened[name, default: []].insert(time)
                }
                for place in some {
                    guard let time = jobs[place].nextRunAt, let times = opened[jobs[place].name] else { continue }
                    jobs[place].isOpened = times.contains(.date(time))
                }
            }
        }

        // MARK: Runs

        private static let isForeignRun: DocumentFilter = [.isMissing("jobID")]

        /// Counts the runs.
        package func runCount() async throws -> Int {
            try await documents.count(Layout.runs, Self.isForeignRun, upTo: nil)
        }

        /// Reads the runs after one in the order of their ids; `last` is the one that the next page comes after, nil when there
        /// is none.
        package func runs(after id: RunID?) async throws -> (page: ForeignReading<ForeignRun>, last: RunID?) {
            let first = id?.object ?? .objectID(.zero)
            let found = try await documents.find(
                Layout.runs, Self.isForeignRun + [id == nil ? .isAtLeast("_id", first) : .isAbove("_id", first)],
                fields: [], sort: [.up("_id")], limit: Self.mostAtOnce)
            var page = ForeignReading<ForeignRun>()
            for document in found {
                var fields = ForeignFields(document)
                if let run = fields.run() {
                    page.values.append(run)
                } else {
                    page.unreadable.append(fields.unreadable("the run"))
                }
            }
            return (page, found.last?["_id"]?.objectID.map { RunID($0) })
        }

        /// Reads which runs have an id that is none of a run.
        package func nameless() async throws -> [UnreadableDocument] {
            let gathered = Gathered<BSONDocument>()
            try await documents.scan(Layout.runs, Self.isForeignRun, fields: ["_id"], sort: []) { some in
                gathered.add(some.filter { $0["_id"]?.objectID == nil })
            }
            return gathered.all.map { document in
                var fields = ForeignFields(document)
                _ = fields.run()
                return fields.unreadable("the run")
            }
        }
    }

    /// Reads the fields of a document, and keeps the first that is something else.
    private struct ForeignFields {
        private let document: BSONDocument
        private var fault: String?

        init(_ document: BSONDocument) { self.document = document }

        func unreadable(_ what: String) -> UnreadableDocument {
            let name: String =
                switch document["_id"] {
                case .string(let text)?: "'\(text)'"
                case .objectID(let id)?: "\(id)"
                case let other?: other.integer.map { "\($0)" } ?? "whose _id is \(other.typeName)"
                case nil: "without an _id"
                }
            return UnreadableDocument(what: "\(what) \(name)", why: fault ?? "it cannot be read")
        }

        private mutating func complain(_ why: String) { fault = fault ?? why }

        /// Reads a field; null is as if it were not there.
        private mutating func value<T>(_ field: String, _ expected: String, _ read: (BSONValue) -> T?) -> T? {
            guard let found = document[field], found != .null else { return nil }
            if let value = read(found) { return value }
            complain("\(field) is \(found.typeName), and not \(expected)")
            return nil
        }

        private mutating func text(_ field: String) -> String? { value(field, "a text") { $0.string } }
        private mutating func flag(_ field: String) -> Bool? { value(field, "a truth value") { $0.bool } }

        private mutating func number(_ field: String, upTo most: Int64) -> Int64? {
            guard let number = value(field, "a whole number", { $0.integer }) else { return nil }
            if 0...most ~= number { return number }
            complain("\(field) is \(number), and not from 0 to \(most)")
            return nil
        }

        /// Reads a time; the first of the year 1 is what Go writes for none.
        private mutating func time(_ field: String) -> Timestamp? {
            guard let date = value(field, "a date", { $0.date }), date != -62_135_596_800_000 else { return nil }
            let (microseconds, isTooMuch) = date.multipliedReportingOverflow(by: 1_000)
            if !isTooMuch { return Timestamp(microseconds: microseconds) }
            complain("\(field) is no time that can be told")
            return nil
        }

        mutating func job() -> ForeignJob? {
            let longest = Int64.max / 1_000_000
            var job = ForeignJob(name: text("_id") ?? "", isManaged: false)
            if let flaw = Job.fault(inName: job.name) {
                complain("_id: \(flaw)")
            } else if !Job.canonical(job.name).utf8.elementsEqual(job.name.utf8) {
                // A document's _id stays as it is.
                complain("_id: its letters are not composed as in Unicode's form C")
            }
            job.enabled = flag("enabled")
            job.nextRunAt = time("nextRunAt")
            job.interval = number("interval", upTo: longest)
            job.runExecutionTimeout = number("runExecutionTimeout", upTo: longest)
            job.runStartTimeout = number("runStartTimeout", upTo: longest)
            job.maxQueueCount = number("maxQueueCount", upTo: 1_000_000)
            job.allowConcurrentRuns = flag("allowConcurrentRuns")
            job.heartbeatTimeout = number("heartbeatTimeout", upTo: longest)
            job.isManaged = value("managerId", "an object id") { $0.objectID }.map { $0 != .zero } ?? false
            job.heartbeat = time("heartbeat")
            if job.interval ?? 0 == 0, job.nextRunAt == nil {
                complain("nextRunAt is missing: a job without an interval runs once, at that time")
            }
            return fault == nil ? job : nil
        }

        mutating func run() -> ForeignRun? {
            guard let id = document["_id"]?.objectID.map({ RunID($0) }) else {
                complain("_id is \(document["_id"]?.typeName ?? "missing"), and not an object id")
                return nil
            }
            let job = text("jobName")
            if job == nil { complain("jobName is missing") }
            let word = text("status")
            let state = word.flatMap(RunState.init(rawValue:))
            if state == nil || state == .skipped {
                complain(word.map { "status is '\($0)', which is none of a run" } ?? "status is missing")
            }
            var run = ForeignRun(
                id: id, job: job ?? "", state: state ?? .failed,
                createdAt: time("createdTime") ?? Timestamp(seconds: Int64(id.second)))
            run.startedAt = time("startTime")
            run.endedAt = time("endTime")
            run.heartbeatAt = time("heartbeat")
            return fault == nil ? run : nil
        }
    }
#endif

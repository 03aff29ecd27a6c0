#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    import Synchronization
    import Timetable

    /// Documents as rows of the tables that every store has, and back.
    extension MongoStore: StoreArchive {
        public func facts() async throws -> StoreFacts {
            let jobs = try await documents.count(Layout.jobs, [.exists("number")], upTo: nil)
            let changing = try await documents.count(Layout.jobs, [.exists("number"), .exists("former")], upTo: nil)
            var rows = ["jobs": jobs, "cursors": jobs, "changing": changing, "job_tags": try await tagRows().count]
            for (table, collection) in Self.plain {
                rows[table] = try await documents.count(
                    collection, table == "runs" ? [.exists("jobID")] : [], upTo: nil)
            }
            return StoreFacts(
                kind: "mongodb", address: address, id: try await note(Self.storeIDKey),
                migrations: ["collections and indexes"], missing: [],
                holder: try await instances().first(where: \.isHeard)?.facts.name,
                bytes: try await documents.bytes() ?? 0, rows: rows)
        }

        /// Tables each row of which is a document of its own.
        private static let plain = [
            "notes": Layout.notes, "revisions": Layout.revisions, "runs": Layout.runs, "skips": Layout.skips,
            "audit": Layout.audit, "hours": Layout.hours,
        ]

        public func check() async throws -> [String] {
            var faults: [String] = []
            let ended = try await documents.count(
                Layout.runs, [.exists("jobID"), .isMissing("active"), .isMissing("endedAt")], upTo: 1_000)
            if ended > 0 { faults.append("runs that have ended at no time: \(ended)") }
            let seen = try await documents.tally(Layout.runs, [.exists("jobID")], by: "jobID", above: 0)
            let there = try await documents.find(
                Layout.jobs, [.isOneOf("number", Array(seen.keys))], fields: ["number"])
            if seen.count > there.count {
                faults.append("jobs that are gone and have runs: \(seen.count - there.count)")
            }
            let foreign = try await documents.count(Layout.jobs, [.isMissing("number")], upTo: 1_000)
            if foreign > 0 { faults.append("jobs of Simple Scheduler's that were not taken over: \(foreign)") }
            return faults
        }

        public func backUp(to path: String) async throws {
            throw StoreError(
                .refused, "a MongoDB database is backed up with its own tool: mongodump --uri=… --archive=\(path)")
        }

        // MARK: Rows

        public func rows(of table: StoreTable, after key: [StoreValue]?, limit: Int) async throws -> [[StoreValue]] {
            switch table.name {
            case "jobs", "cursors", "changing":
                var filter: DocumentFilter = [.exists("number")]
                if table.name == "changing" { filter.conditions.append(.exists("former")) }
                if let key { filter.conditions.append(.isAbove("number", BSONValue(key[0]))) }
                return try await read(Layout.jobs, filter, sort: ["number"], limit) { document in
                    switch table.name {
                    case "jobs": Self.job(document)
                    case "cursors": Self.cursor(document)
                    default: Self.former(document)
                    }
                }
            case "job_tags":
                let rows = try await tagRows()
                let rest = key.map { key in rows.drop { !Self.isAfter($0, key) } } ?? rows[...]
                return Array(rest.prefix(limit))
            case "revisions", "hours":
                let (first, second) = table.name == "hours" ? ("hour", "state") : ("jobID", "revision")
                var filter: DocumentFilter = []
                if let key {
                    let (one, two) = (BSONValue(key[0]), BSONValue(key[1]))
                    filter.conditions.append(
                        .any([[.isAbove(first, one)], [.equals(first, one), .isAbove(second, two)]]))
                }
                let names =
                    table.name == "hours" ? ["hour", "state", "runs", "took"] : ["jobID", "revision", "schedule"]
                return try await read(Self.plain[table.name] ?? "", filter, sort: [first, second], limit) { document in
                    names.map { StoreValue(document[$0]) }
                }
            default:
                var filter: DocumentFilter = table.name == "runs" ? [.exists("jobID")] : []
                if let key { filter.conditions.append(.isAbove("_id", BSONValue(key[0]))) }
                return try await read(Self.plain[table.name] ?? "", filter, sort: ["_id"], limit) { document in
                    table.name == "runs"
                        ? Self.run(document) : Self.paths(of: table).map { StoreValue(document.at($0)) }
                }
            }
        }

        private func read(
            _ collection: String, _ filter: DocumentFilter, sort: [String], _ limit: Int,
            _ row: (BSONDocument) throws -> [StoreValue]
        ) async throws -> [[StoreValue]] {
            try await documents.find(collection, filter, fields: [], sort: sort.map { .up($0) }, limit: limit).map(row)
        }

        /// The fields of a table's columns, in their order.
        private static func paths(of table: StoreTable) -> [String] {
            switch table.name {
            case "notes": ["_id", "value"]
            case "revisions": ["jobID", "revision", "schedule"]
            case "hours": ["hour", "state", "runs", "took"]
            case "skips": ["_id", "jobID", "revision", "after", "through", "recordedAt", "reason", "detail"]
            case "audit":
                ["_id", "at", "user", "channel", "origin", "action", "subject", "before", "after", "error"]
            case "runs": runPaths
            default: []
            }
        }

        private static let runPaths = [
            "_id", "jobID", "revision", "trigger", "scheduledAt", "manual", "notBefore", "state", "attempt",
            "createdAt",
            "dispatchedAt", "startedAt", "endedAt", "heartbeatAt", "exitCode", "signal", "heldSince", "heldUntil",
            "term",
            "instance", "process", "error", "outputTail", "reason", "earlier", "heldWhy", "cause", "arguments",
            "machine",
        ]

        private static let definitionTexts = [
            "schedule", "kind", "summary", "target", "policies",
        ]

        private static func texts(_ definition: BSONDocument) -> [StoreValue] {
            let tags = definition["tags"]?.array?.compactMap(\.string) ?? []
            return definitionTexts.map { StoreValue(definition[$0]) } + [
                .text(tags.isEmpty ? "[]" : (try? RowCodec.encode(tags)) ?? "[]"), StoreValue(definition["standing"]),
            ]
        }

        private static func flag(_ value: BSONValue?) -> StoreValue { .number(value?.bool == true ? 1 : 0) }

        private static func job(_ document: BSONDocument) -> [StoreValue] {
            let definition = document["definition"]?.document ?? [:]
            return [
                StoreValue(document["number"]), StoreValue(document["_id"]), StoreValue(definition["feed"]),
                StoreValue(definition["source"]),
            ] + texts(definition) + [
                flag(definition["enabled"]), flag(document["removed"]), StoreValue(document["digest"]),
            ]
        }

        private static func cursor(_ document: BSONDocument) -> [StoreValue] {
            [
                StoreValue(document["number"]), flag(document["on"]), .number(document["former"] == nil ? 0 : 1),
                StoreValue(document["revision"]), StoreValue(document["cursor"]), StoreValue(document["nextDue"]),
                StoreValue(document["opened"]), StoreValue(document["streak"]),
            ]
        }

        private static func former(_ document: BSONDocument) -> [StoreValue] {
            let former = document["former"]?.document ?? [:]
            let definition = former["definition"]?.document ?? [:]
            return [
                StoreValue(document["number"]), StoreValue(former["revision"]), StoreValue(former["changedAt"]),
            ] + texts(definition) + [flag(definition["enabled"]), flag(former["removed"])]
        }

        private static func run(_ document: BSONDocument) -> [StoreValue] {
            runPaths.map { path in
                switch path {
                case "_id": .bytes(document[path]?.objectID?.bytes ?? [])
                // The third part of the key of occurrences, as tables have it.
                case "manual":
                    .number(
                        document["manual"] == nil
                            ? 0 : document["_id"]?.objectID.map { Int64(bitPattern: RunID($0).hash | 1) } ?? 0)
                default: StoreValue(document[path])
                }
            }
        }

        private func tagRows() async throws -> [[StoreValue]] {
            let pairs = Gathered<(tag: String, job: Int64)>()
            try await documents.scan(
                Layout.jobs, [.exists("number")], fields: ["number", "definition.tags"], sort: []
            ) { jobs in
                for document in jobs {
                    guard let number = document["number"]?.integer else { continue }
                    // As tables have it, whose indexes hold no longer one.
                    let tags = Set(document.at("definition.tags")?.array?.compactMap(\.string) ?? [])
                        .filter { $0.utf8.count <= 1_000 }
                    pairs.add(tags.map { ($0, number) })
                }
            }
            return pairs.all.sorted { a, b in
                a.tag == b.tag ? a.job < b.job : a.tag.utf8.lexicographicallyPrecedes(b.tag.utf8)
            }.map { [.text($0.tag), .number($0.job)] }
        }

        private static func isAfter(_ row: [StoreValue], _ key: [StoreValue]) -> Bool {
            guard case .text(let tag) = row[0], case .text(let last) = key[0], case .number(let job) = row[1],
                case .number(let lastJob) = key[1]
            else { return false }
            return tag == last ? job > lastJob : last.utf8.lexicographicallyPrecedes(tag.utf8)
        }

        // MARK: Adding

        public func add(_ rows: [[StoreValue]], to table: StoreTable) async throws {
            if rows.isEmpty { return }
            let named = rows.map { row in
                Dictionary(uniqueKeysWithValues: zip(table.columns.map(\.name), row.map { BSONValue($0) }))
            }
            switch table.name {
            case "notes":
                for row in named {
                    if let key = row["key"]?.string { try await setNote(key, row["value"]?.string) }
                }
                known.withLock { $0.id = nil }
            case "jobs": try await insertOnly(Layout.jobs, try await jobDocuments(named))
            case "cursors": try await setCursors(named)
            case "changing": try await setFormers(named)
            // They stand in the jobs.
            case "job_tags": break
            case "runs":
                let pins = try await documents.find(Layout.jobs, [.exists("pinned")], fields: ["number", "pinned"])
                    .reduce(into: [JobID: Shard]()) { pins, job in
                        if let id = job["number"]?.job { pins[id] = job["pinned"]?.shard }
                    }
                let names = try await names(of: Set(named.compactMap { $0["job_id"]?.job }))
                try await insertOnly(Layout.runs, rows.map { Self.run($0, pins, names) })
            case "skips":
                let names = try await names(of: Set(named.compactMap { $0["job_id"]?.job }))
                try await insertOnly(
                    Layout.skips,
                    rows.map { row in
                        var document = Self.document(Self.paths(of: table), row)
                        document.append(
                            "jobName", .string(document["jobID"]?.job.flatMap { names[$0] } ?? ""))
                        return document
                    })
            default:
                try await insertOnly(
                    Self.plain[table.name] ?? "",
                    zip(rows, named).map { row, named in
                        var document = Self.document(Self.paths(of: table), row)
                        switch table.name {
                        case "revisions":
                            let (job, revision) = (named["job_id"]?.integer ?? 0, named["revision"]?.integer ?? 0)
                            document.append("_id", .string("\(job):\(revision)"))
                        case "hours":
                            let (hour, state) = (named["hour"]?.integer ?? 0, named["state"]?.integer ?? 0)
                            document.append("_id", .string("\(hour):\(state)"))
                        default: break
                        }
                        return document
                    })
                if table.name == "audit", let last = named.last?["id"]?.integer { try await raise("audit", to: last) }
            }
        }

        private func insertOnly(_ collection: String, _ new: [BSONDocument]) async throws {
            if try await documents.insert(collection, new).isEmpty { return }
            throw StoreError(.refused, "\(address): \(collection) has such a document already")
        }

        private func raise(_ counter: String, to value: Int64) async throws {
            _ = try await documents.update(
                Layout.counters, [.equals("_id", .string(counter))], [.raise("value", .int64(value))], upsert: true)
        }

        private static func document(_ paths: [String], _ row: [StoreValue]) -> BSONDocument {
            var document: BSONDocument = [:]
            for (path, value) in zip(paths, row) where value != .null { document.append(path, BSONValue(value)) }
            return document
        }

        private func names(of jobs: Set<JobID>) async throws -> [JobID: String] {
            try await documents.find(Layout.jobs, [Self.numbers(jobs)], fields: ["number"]).reduce(into: [:]) {
                names, job in
                if let id = job["number"]?.job { names[id] = job["_id"]?.string }
            }
        }

        private static func definition(_ row: [String: BSONValue]) -> BSONDocument {
            var definition: BSONDocument = [:]
            for name in ["feed", "source"] + definitionTexts + ["standing"] {
                if let text = row[name], text != .null { definition.append(name, text) }
            }
            let tags = row["tags"]?.string.flatMap { try? RowCodec.decode([String].self, $0) } ?? []
            definition.append("tags", .array(tags.map { .string($0) }))
            definition.append("enabled", .bool(row["enabled"]?.integer == 1))
            return definition
        }

        private func jobDocuments(_ rows: [[String: BSONValue]]) async throws -> [BSONDocument] {
            let manager = JobDocument.manager(of: try await storeID())
            try await raise("jobs", to: rows.compactMap { $0["id"]?.integer }.max() ?? 0)
            var documents: [BSONDocument] = []
            for row in rows {
                guard let id = row["id"]?.job else { continue }
                var document: BSONDocument = [
                    "_id": row["name"] ?? .null, "number": BSONValue(id), "shard": BSONValue(Shard(of: id)),
                    "managerId": manager, "definition": .document(Self.definition(row)),
                    "digest": row["digest"] ?? .int64(0), "removed": .bool(row["removed"]?.integer == 1),
                ]
                let job = try JobDocument.job(document, codec).job
                if case .halted? = job.standing?.off { document.append("halted", true) }
                if let label = Place(of: job.policies).label, row["removed"]?.integer != 1 {
                    let shard = try await shard(labelled: label)
                    document["shard"] = BSONValue(shard)
                    document.append("pinned", BSONValue(shard))
                }
                for (name, value) in JobDocument.seed(job, isRemoved: row["removed"]?.integer == 1) {
                    document.append(name, value)
                }
                documents.append(document)
            }
            return documents
        }

        private func setCursors(_ rows: [[String: BSONValue]]) async throws {
            let matched = try await documents.updateEach(
                Layout.jobs,
                rows.map { row in
                    var change = DocumentChange([.set("on", .bool(row["is_on"]?.integer == 1))])
                    for name in ["revision", "cursor", "opened", "streak"] { change.set(name, row[name]) }
                    let due = row["next_due"].flatMap { $0 == .null ? nil : $0 }
                    change.set("nextDue", due)
                    change.set("nextRunAt", due?.time.map { .date($0) })
                    return DocumentUpdate([.equals("number", row["job_id"] ?? .null)], change)
                })
            guard matched == rows.count else {
                throw StoreError(.refused, "\(address): there are cursors without a job")
            }
        }

        private func setFormers(_ rows: [[String: BSONValue]]) async throws {
            for row in rows {
                let number = DocumentFilter.Condition.equals("number", row["job_id"] ?? .null)
                let now = try await documents.first(
                    Layout.jobs, [number], fields: ["definition.feed", "definition.source"])
                var definition = Self.definition(row)
                definition.append("feed", some: now?.at("definition.feed"))
                definition.append("source", some: now?.at("definition.source"))
                _ = try await documents.update(
                    Layout.jobs, [number],
                    [
                        .set(
                            "former",
                            [
                                "definition": .document(definition), "revision": row["revision"] ?? .int64(0),
                                "removed": .bool(row["removed"]?.integer == 1),
                                "changedAt": row["changed_at"] ?? .int64(0),
                            ])
                    ])
            }
        }

        private static func run(
            _ row: [StoreValue], _ pins: [JobID: Shard], _ names: [JobID: String]
        ) -> BSONDocument {
            var document = Self.document(runPaths, row)
            if let bytes = document["_id"]?.bytes, let id = ObjectID(bytes: bytes) { document["_id"] = .objectID(id) }
            let job = document["jobID"]?.job ?? JobID(0)
            let scheduled = document["scheduledAt"]?.time ?? .distantPast
            let number = document["state"]?.integer ?? 0
            if document["manual"]?.integer == 0 {
                document["manual"] = nil
                document.append("occurrence", BSONValue(scheduled))
            } else {
                document["manual"] = 1
            }
            document.append("jobName", .string(names[job] ?? ""))
            document.append("status", .string(RunState(number: Int(number))?.rawValue ?? "failed"))
            for (own, seed) in [
                ("createdAt", "createdTime"), ("startedAt", "startTime"), ("endedAt", "endTime"),
                ("heartbeatAt", "heartbeat"),
            ] {
                document.append(seed, some: document[own]?.time.map { .date($0) })
            }
            if let cause = document["cause"]?.string {
                if cause.hasPrefix("asked ") { document.append("asked", .string(cause)) }
                if cause.hasPrefix("repeats "), document["trigger"] == .string(Trigger.backfill.rawValue) {
                    document.append("repeats", .string(cause))
                }
            }
            document.append("shard", BSONValue(pins[job] ?? Shard(of: job)))
            document.append("by", .int64(0))
            if number < 3 { document.append("active", true) }
            if RunDocument.isOutside(scheduled) { document.append("outside", true) }
            return document
        }
    }

    extension StoreValue {
        fileprivate init(_ value: BSONValue?) {
            switch value {
            case nil, .null?: self = .null
            case .string(let text)?: self = .text(text)
            case .binary(let bytes, _)?: self = .bytes(bytes)
            case .bool(let isTrue)?: self = .number(isTrue ? 1 : 0)
            case let other?: self = other.integer.map { .number($0) } ?? .null
            }
        }
    }

    extension BSONValue {
        fileprivate init(_ value: StoreValue) {
            switch value {
            case .null: self = .null
            case .number(let number): self = .int64(number)
            case .text(let text): self = .string(text)
            // A run's id, where it is one.
            case .bytes(let bytes): self = ObjectID(bytes: bytes).map { .objectID($0) } ?? .binary(bytes, subtype: 0)
            }
        }
    }
#endif

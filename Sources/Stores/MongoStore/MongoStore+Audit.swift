#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    import Timetable

    /// The trail of orders, and what machines' files say.
    extension MongoStore {
        /// What `RowCodec.audit` reads, in its order.
        private static let auditPaths = [
            "at", "user", "channel", "action", "subject", "before", "after", "error", "origin",
        ]

        public func audit(_ entry: AuditEntry, keep: Int64) async throws {
            var document: BSONDocument = [
                "_id": .int64(try await draw("audit")), "at": BSONValue(entry.at), "channel": .string(entry.channel),
                "action": .string(entry.action),
            ]
            document.append("user", some: entry.user.map { .string($0) })
            document.append("subject", some: entry.subject.map { .string($0) })
            document.append("before", some: entry.before.map { .string($0) })
            document.append("after", some: entry.after.map { .string($0) })
            document.append("error", some: entry.error.map { .string($0) })
            document.append("origin", some: entry.from.map { .string($0) })
            _ = try await documents.insert(Layout.audit, [document])
            _ = try await documents.delete(
                Layout.audit, [.isBelow("at", BSONValue(entry.at.adding(microseconds: -keep)))])
        }

        public func audits(_ query: AuditQuery) async throws -> [AuditEntry] {
            var filter: DocumentFilter = []
            for (field, text) in [("subject", query.subject), ("user", query.user), ("action", query.action)] {
                if let text { filter.conditions.append(.equals(field, .string(text))) }
            }
            if let since = query.since { filter.conditions.append(.isAtLeast("at", BSONValue(since))) }
            if let until = query.until { filter.conditions.append(.isAtMost("at", BSONValue(until))) }
            return try await documents.find(
                Layout.audit, filter, fields: [], sort: [.down("at"), .down("_id")], limit: query.limit
            ).map { try RowCodec.audit(DocumentRow(document: $0, paths: Self.auditPaths)) }
        }

        // MARK: Declarations

        private func declarations(_ condition: DocumentFilter.Condition) async throws -> [Declaration] {
            try await documents.find(Layout.declarations, [condition], sort: [.up("machine"), .up("job")]).map {
                Declaration(
                    machine: $0["machine"]?.string ?? "", job: $0["job"]?.string ?? "",
                    source: $0["source"]?.string ?? "",
                    digest: UInt64(bitPattern: $0["digest"]?.integer ?? 0), isCurrent: $0["current"]?.bool ?? false)
            }
        }

        public func declarations(by machine: String) async throws -> [Declaration] {
            try await declarations(.equals("machine", .string(machine)))
        }

        public func declarations(of jobs: [String]) async throws -> [Declaration] {
            try await declarations(.isOneOf("job", jobs.map { .string($0) }))
        }

        public func declare(_ declarations: [Declaration]) async throws {
            // What is said now first: until the rest is done a machine seems to say two things of a job, and says this one.
            _ = try await documents.updateEach(
                Layout.declarations,
                declarations.map { declaration in
                    DocumentUpdate(
                        [.equals("_id", .string(Self.id(declaration)))],
                        [
                            .set("machine", .string(declaration.machine)), .set("job", .string(declaration.job)),
                            .set("source", .string(declaration.source)),
                            .set("digest", .int64(Int64(bitPattern: declaration.digest))),
                            .set("current", .bool(declaration.isCurrent)),
                        ], upsert: true)
                })
            for (machine, all) in Dictionary(grouping: declarations, by: \.machine) {
                _ = try await documents.updateAll(
                    Layout.declarations,
                    [
                        .equals("machine", .string(machine)), .equals("current", true),
                        .isOneOf("job", all.map { .string($0.job) }),
                        .isNoneOf("_id", all.map { .string(Self.id($0)) }),
                    ], [.set("current", false)])
            }
        }

        private static func id(_ declaration: Declaration) -> String {
            "\(declaration.machine) \(String(declaration.digest, radix: 16)) \(declaration.job)"
        }
    }
#endif

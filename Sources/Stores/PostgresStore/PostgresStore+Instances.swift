#if Postgres
    public import CarillonCore
    import PostgresClient
    import StoreCodec
    import Timetable

    /// Lives: a term stands in two rows, apart, so that a beat never waits for the batch that holds the fence. Who changes both
    /// goes by the beats first.
    extension PostgresStore {
        public var isShared: Bool { true }

        static func values(_ term: Term) -> [PostgresValue] {
            [
                .integer(Int64(term.instance.number)), .integer(term.count),
                .integer(Int64(bitPattern: term.nonce)),
            ]
        }

        /// The row of a term in force, by the parameters of `values(_: Term)`.
        private static let isTerm = "instance = $1 AND term = $2 AND nonce = $3"

        private static func drawn(_ counter: String, _ transaction: PostgresTransaction) throws -> Int64 {
            try transaction.first(
                "UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value", [.text(counter)]
            ) { try $0.integer(0) ?? 0 } ?? 0
        }

        public func join(_ facts: InstanceFacts, nonce: UInt64) async throws -> Term {
            try await change { writer in
                let text = try RowCodec.encode(facts)
                return try await writer.transaction { transaction in
                    // Its row is held to the end, so that all who join and give come one after the other.
                    let count = try Self.drawn("terms", transaction)
                    let former = try transaction.first(
                        "SELECT number FROM instances JOIN terms ON terms.instance = number WHERE id = $1",
                        [.init(storable: facts.id)]
                    ) { Int32(truncatingIfNeeded: try $0.integer(0) ?? 0) }
                    if let former {
                        let term = Term(instance: InstanceNumber(former), count: count, nonce: nonce)
                        // Whoever ends it meanwhile was faster, and then this is another life.
                        if try Self.renew(term, "instance = $1", [], transaction) {
                            try transaction.execute(
                                "UPDATE instances SET facts = $2 WHERE number = $1",
                                [.integer(Int64(former)), .init(storable: text)])
                            return term
                        }
                    }
                    let number = Int32(truncatingIfNeeded: try Self.drawn("instances", transaction))
                    try Self.forget(facts.id, before: number, transaction)
                    let term = Term(instance: InstanceNumber(number), count: count, nonce: nonce)
                    try transaction.execute(
                        "INSERT INTO instances (number, id, facts) VALUES ($1, $2, $3)",
                        [.integer(Int64(number)), .init(storable: facts.id), .init(storable: text)])
                    try transaction.execute(
                        "INSERT INTO beats (instance, term, nonce, beat) VALUES ($1, $2, $3, 0)", Self.values(term))
                    try transaction.execute(
                        "INSERT INTO terms (instance, term, nonce) VALUES ($1, $2, $3)", Self.values(term))
                    return term
                }
            }
        }

        /// Removes earlier lives of an instance, and of others what is long gone.
        private static func forget(_ id: String, before number: Int32, _ transaction: PostgresTransaction) throws {
            try transaction.execute(
                """
                DELETE FROM instances WHERE (id = $1 OR number < $2)
                AND NOT EXISTS (SELECT 1 FROM terms WHERE instance = number)
                AND NOT EXISTS (SELECT 1 FROM shards WHERE holder = number)
                """, [.init(storable: id), .integer(Int64(number) - InstanceRecord.mostKept)])
        }

        /// Puts a new term in the place of one that the condition names; false when there is none.
        private static func renew(
            _ term: Term, _ condition: String, _ more: [PostgresValue], _ transaction: PostgresTransaction
        ) throws -> Bool {
            // Under a new term signs of life are counted anew.
            for (table, anew) in [("beats", ", beat = 0"), ("terms", "")] {
                let count = try transaction.execute(
                    "UPDATE \(table) SET term = $2, nonce = $3\(anew) WHERE \(condition)", values(term) + more)
                if count == 0 { return false }
            }
            return true
        }

        public func beat(_ term: Term, count: Int64) async throws {
            do {
                // A beat that is lost with the server's machine is followed by the next.
                let beaten = try await beater.execute(
                    """
                    WITH quickly AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
                    UPDATE beats SET beat = greatest(beat, $4), seen_at = clock_timestamp() FROM quickly WHERE \(Self.isTerm)
                    """, Self.values(term) + [.integer(count)])
                if beaten == 0 { throw StoreError.lost(term) }
            } catch {
                throw StoreError(postgres: error)
            }
        }

        public func describe(_ facts: InstanceFacts, under term: Term) async throws {
            let text = PostgresValue(storable: try RowCodec.encode(facts))
            let count = try await change { writer in
                try await writer.execute(
                    """
                    UPDATE instances SET facts = $4 FROM terms
                    WHERE number = $1 AND instance = $1 AND term = $2 AND nonce = $3
                    """, Self.values(term) + [text])
            }
            if count == 0 { throw StoreError.lost(term) }
        }

        static let instances = """
            SELECT number, facts, terms.term, terms.nonce, coalesce(beat, 0),
                (extract(epoch FROM clock_timestamp() - seen_at) * 1000000)::bigint
            FROM instances LEFT JOIN terms ON terms.instance = number LEFT JOIN beats ON beats.instance = number
            ORDER BY number
            """

        static func instance(_ row: borrowing PostgresRow) throws -> InstanceRecord {
            let number = InstanceNumber(Int32(truncatingIfNeeded: try row.integer(0) ?? 0))
            var term: Term?
            if let count = try row.integer(2), let nonce = try row.integer(3) {
                term = Term(instance: number, count: count, nonce: UInt64(bitPattern: nonce))
            }
            return InstanceRecord(
                number: number, facts: try RowCodec.decode(InstanceFacts.self, try row.text(1) ?? ""), term: term,
                beat: try row.integer(4) ?? 0, silence: try row.integer(5))
        }

        public func instances() async throws -> [InstanceRecord] { try await rows(Self.instances, [], Self.instance) }

        public func forget(_ id: String) async throws {
            try await change { writer in
                try await writer.transaction { transaction in
                    try transaction.execute(
                        """
                        DELETE FROM instances WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM terms WHERE instance = number)
                        AND NOT EXISTS (SELECT 1 FROM shards WHERE holder = number)
                        """, [.init(storable: id)])
                    try transaction.execute("DELETE FROM mail WHERE machine = $1", [.init(storable: id)])
                }
            }
        }

        public func end(_ instance: InstanceNumber, term: Int64, beat: Int64) async throws -> Bool {
            try await change { writer in
                try await writer.transaction { transaction in
                    let beaten = try transaction.execute(
                        "DELETE FROM beats WHERE instance = $1 AND term = $2 AND beat = $3",
                        [.integer(Int64(instance.number)), .integer(term), .integer(beat)])
                    if beaten == 0 { return false }
                    // Whoever writes under it has its row: it ends first, and after this writes nothing.
                    try transaction.execute(
                        "DELETE FROM terms WHERE instance = $1 AND term = $2",
                        [.integer(Int64(instance.number)), .integer(term)])
                    return true
                }
            }
        }

        public func leave(_ term: Term) async throws {
            try await change { writer in
                try await writer.transaction { transaction in
                    for table in ["beats", "terms"] {
                        let count = try transaction.execute(
                            "DELETE FROM \(table) WHERE \(Self.isTerm)", Self.values(term))
                        if count == 0 { throw StoreError.lost(term) }
                    }
                }
            }
        }
    }

    /// Shards.
    extension PostgresStore {
        /// Where a job stands: its share, unless it is pinned. An index has it.
        static let shard = "coalesce(cursors.pinned, (cursors.job_id % \(Shard.shares))::smallint)"

        public func shards(counting: Bool) async throws -> [ShardRecord] {
            let jobs = """
                SELECT \(Self.shard) AS of_job, count(*) AS jobs FROM cursors JOIN jobs ON jobs.id = job_id
                WHERE NOT removed GROUP BY 1
                """
            let source =
                counting
                ? "shards LEFT JOIN (\(jobs)) AS counted ON of_job = shard"
                : "shards CROSS JOIN (SELECT 0 AS jobs) AS uncounted"
            return try await rows("SELECT shard, label, holder, epoch, coalesce(jobs, 0) FROM \(source) ORDER BY shard")
            {
                row in
                ShardRecord(
                    shard: Shard(Int16(truncatingIfNeeded: try row.integer(0) ?? 0)), label: try row.text(1),
                    holder: try row.integer(2).map { InstanceNumber(Int32(truncatingIfNeeded: $0)) },
                    epoch: try row.integer(3) ?? 0, jobs: Int(try row.integer(4) ?? 0))
            }
        }

        public func shard(labelled label: String) async throws -> Shard {
            if let shard = try await read({ try await $0.read { try Self.known(label, $0) } }) { return shard }
            return try await change { writer in
                try await writer.transaction { try Self.shard(labelled: label, $0) }
            }
        }

        private static func known(_ label: String, _ transaction: PostgresTransaction) throws -> Shard? {
            try transaction.first("SELECT shard FROM shards WHERE label = $1", [.init(storable: label)]) {
                Shard(Int16(truncatingIfNeeded: try $0.integer(0) ?? 0))
            }
        }

        /// Finds the shard of a label, or makes it.
        static func shard(labelled label: String, _ transaction: PostgresTransaction) throws -> Shard {
            if let shard = try known(label, transaction) { return shard }
            // One after the other: numbers stay dense, and a label gets one.
            try transaction.execute("SELECT 1 FROM counters WHERE name = 'terms' FOR UPDATE")
            if let shard = try known(label, transaction) { return shard }
            let next = try transaction.first("SELECT max(shard) + 1 FROM shards") { try $0.integer(0) }
            let shard = Shard(Int16(truncatingIfNeeded: (next ?? nil) ?? Int64(Shard.shares)))
            try transaction.execute(
                "INSERT INTO shards (shard, label) VALUES ($1, $2)",
                [.integer(Int64(shard.number)), .init(storable: label)])
            // Whoever may have it is to look.
            _ = try drawn("holdings", transaction)
            return shard
        }

        /// Brings a job to where it stands by its definition, when nobody in force has where it stood: a machine that is gone, or never
        /// was. Whoever has it then is told of it, and of the runs that were active.
        static func free(_ job: JobID, from shard: Shard, to place: Place, _ transaction: PostgresTransaction) throws {
            let holder = try transaction.first(
                "SELECT holder FROM shards WHERE shard = $1 FOR UPDATE", [.integer(Int64(shard.number))]
            ) { try $0.integer(0) }
            if let holder = holder ?? nil {
                let isThere = try transaction.first("SELECT 1 FROM terms WHERE instance = $1", [.integer(holder)]) {
                    _ in true
                }
                if isThere == true { return }
            }
            let new = try place.label.map { try self.shard(labelled: $0, transaction) }
            let id = PostgresValue.integer(Int64(job.number))
            try transaction.execute(
                "UPDATE cursors SET pinned = $2 WHERE job_id = $1",
                [id, new.map { .integer(Int64($0.number)) } ?? .null])
            let active = try transaction.all("SELECT id FROM runs WHERE job_id = $1 AND state < 3", [id]) {
                try $0.runID(0)
            }
            let runs = active.compactMap { $0 }
            let known = runs.isEmpty ? [] : [Mail(to: .job(job), .opened(runs))]
            try tell(known + [Mail(to: .job(job), .changed([job]))], but: nil, transaction)
        }

        /// Numbers of shards, as `smallint[]`.
        static func value(_ shards: Set<Shard>) -> PostgresValue {
            var array = PostgresArray(of: .smallint)
            for shard in shards { array.append(Int64(shard.number)) }
            return PostgresValue(array)
        }

        private static let moves = PostgresColumns.Shape([
            "shard": .smallint, "source": .integer, "epoch": .bigint, "target": .integer,
        ])

        /// Carries out what is as it was read; only gifts to nobody, and to those in force.
        private static func carryOut(
            _ asked: [ShardMove], if condition: String, _ transaction: PostgresTransaction
        ) throws {
            var rows = PostgresColumns(moves)
            for move in asked.sorted(by: { $0.shard < $1.shard }) {
                rows.bind(Int64(move.shard.number))
                rows.bind(move.from.map { Int64($0.number) })
                rows.bind(move.epoch)
                rows.bind(move.to.map { Int64($0.number) })
                rows.end()
            }
            let count = try transaction.execute(
                """
                UPDATE shards SET holder = m.target, epoch = shards.epoch + 1 FROM \(moves.rows("m", from: 1))
                WHERE shards.shard = m.shard AND shards.holder IS NOT DISTINCT FROM m.source AND shards.epoch = m.epoch
                AND (m.target IS NULL OR EXISTS (SELECT 1 FROM terms WHERE instance = m.target)) AND \(condition)
                """, rows.values)
            if count > 0 { _ = try drawn("holdings", transaction) }
        }

        public func deal(_ moves: [ShardMove]) async throws {
            if moves.isEmpty { return }
            // A number that is out of force stays so: what was true of the holder when this began is true when it writes.
            try await change { writer in
                try await writer.transaction { transaction in
                    try Self.carryOut(
                        moves, if: "NOT EXISTS (SELECT 1 FROM terms WHERE instance = shards.holder)", transaction)
                }
            }
        }

        public func give(_ moves: [ShardMove], under term: Term, nonce: UInt64) async throws -> Term {
            try await change { writer in
                try await writer.transaction { transaction in
                    // Drawn first: whoever sent the same before has the counter's row until that is done.
                    let count = try Self.drawn("terms", transaction)
                    let known = try transaction.first(
                        "SELECT term FROM terms WHERE instance = $1 AND nonce = $2",
                        [.integer(Int64(term.instance.number)), .integer(Int64(bitPattern: nonce))]
                    ) { try $0.integer(0) ?? 0 }
                    // The answer of the first time was lost.
                    if let known { return Term(instance: term.instance, count: known, nonce: nonce) }
                    let new = Term(instance: term.instance, count: count, nonce: nonce)
                    let old: [PostgresValue] = [.integer(term.count), .integer(Int64(bitPattern: term.nonce))]
                    guard
                        try Self.renew(new, "instance = $1 AND term = $4 AND nonce = $5", old, transaction)
                    else { throw StoreError.lost(term) }
                    try Self.carryOut(
                        moves.filter { $0.from == term.instance }, if: "true", transaction)
                    return new
                }
            }
        }

        public func take(_ shards: Set<Shard>, under term: Term) async throws -> Taken {
            let codec = codec
            let all = Self.value(shards)
            return try await read { reader in
                try await reader.read { transaction in
                    let held = try transaction.first(
                        """
                        SELECT (SELECT count(*) FROM terms WHERE \(Self.isTerm)),
                            (SELECT count(*) FROM shards WHERE holder = $1 AND shard = ANY($4::smallint[]))
                        """, Self.values(term) + [all]
                    ) { (try $0.integer(0), try $0.integer(1)) }
                    guard let held, held.0 == 1, held.1 == Int64(shards.count) else { throw StoreError.lost(term) }
                    let cursors = try transaction.all(
                        "\(Self.cursors) AND \(Self.shard) = ANY($1::smallint[])", [all], Self.cursor)
                    let runs = try transaction.all(
                        """
                        SELECT \(RowCodec.runColumns) FROM \(Self.runTables) JOIN cursors ON cursors.job_id = runs.job_id
                        WHERE runs.state < 3 AND \(Self.shard) = ANY($1::smallint[]) ORDER BY runs.id
                        """, [all]
                    ) { try codec.run($0) }
                    return Taken(cursors: cursors, runs: runs)
                }
            }
        }
    }

    /// Mail.
    extension PostgresStore {
        private static let words = PostgresColumns.Shape([
            "shard": .smallint, "job": .integer, "machine": .text, "kind": .text, "body": .text,
        ])

        /// The mail of `words`, to the shards that jobs stand in now.
        private static func addressed(from first: Int) -> String {
            """
            SELECT coalesce(m.shard, (SELECT \(shard) FROM cursors WHERE cursors.job_id = m.job)) AS shard, m.machine, m.kind,
                m.body
            FROM \(words.rows("m", from: first))
            """
        }

        private static func rows(_ mail: [Mail]) -> PostgresColumns {
            var rows = PostgresColumns(words)
            for word in mail {
                switch word.to {
                case .shard(let shard):
                    rows.bind(Int64(shard.number))
                    rows.bind(nil as Int64?)
                    rows.bind(nil as String?)
                case .job(let job):
                    rows.bind(nil as Int64?)
                    rows.bind(Int64(job.number))
                    rows.bind(nil as String?)
                case .machine(let id):
                    rows.bind(nil as Int64?)
                    rows.bind(nil as Int64?)
                    rows.bind(id)
                }
                rows.bind(word.kind)
                rows.bind(word.body)
                rows.end()
            }
            return rows
        }

        public func post(_ mail: [Mail]) async throws {
            if mail.isEmpty { return }
            let values = Self.rows(mail).values
            _ = try await change { writer in
                try await writer.execute(
                    "INSERT INTO mail (shard, machine, kind, body) \(Self.addressed(from: 1))", values)
            }
        }

        /// Posts what concerns shards, but for those that the instance of a term in force holds.
        ///
        /// It keeps the term from being replaced until the transaction is over: so whoever is given a shard afterwards reads what
        /// was written in it, or has mail.
        static func tell(_ mail: [Mail], but term: Term?, _ transaction: PostgresTransaction) throws {
            if mail.isEmpty { return }
            let values = term.map(Self.values) ?? [.null, .null, .null]
            try transaction.execute(
                """
                WITH fence AS MATERIALIZED (
                    SELECT 1 FROM terms WHERE instance = $1::integer AND term = $2::bigint AND nonce = $3::bigint FOR SHARE)
                INSERT INTO mail (shard, machine, kind, body) SELECT * FROM (\(addressed(from: 4))) AS a
                WHERE (SELECT count(*) FROM fence) = 0
                OR NOT EXISTS (SELECT 1 FROM shards WHERE shards.shard = a.shard AND holder = $1::integer)
                """, values + rows(mail).values)
        }

        /// What there is for these shards and this machine.
        private static func mail(
            _ shards: PostgresValue, _ machine: PostgresValue, _ transaction: PostgresTransaction
        ) throws -> [Mail] {
            try transaction.all(
                """
                SELECT number, shard, machine, kind, body FROM mail WHERE shard = ANY($1::smallint[]) OR machine = $2
                ORDER BY number
                """, [shards, machine]
            ) { row in
                let shard = try row.integer(1).map { Shard(Int16(truncatingIfNeeded: $0)) }
                return Mail(
                    number: try row.integer(0) ?? 0,
                    to: try shard.map { .shard($0) } ?? .machine(try row.text(2) ?? ""),
                    kind: try row.text(3) ?? "", body: try row.text(4) ?? "")
            }
        }

        public func news(for shards: Set<Shard>, machine: String) async throws -> News {
            let (shards, machine) = (Self.value(shards), PostgresValue(storable: machine))
            return try await read { reader in
                try await reader.read { transaction in
                    let counted = try transaction.first(
                        """
                        SELECT (SELECT value FROM counters WHERE name = 'holdings'),
                            (SELECT value FROM counters WHERE name = 'notes'),
                            (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
                        """
                    ) { (try $0.integer(0) ?? 0, try $0.integer(1) ?? 0, try $0.integer(2) ?? 0) }
                    return News(
                        instances: try transaction.all(Self.instances, [], Self.instance),
                        holdings: counted?.0 ?? 0, notes: counted?.1 ?? 0,
                        mail: try Self.mail(shards, machine, transaction),
                        clock: counted.map { Timestamp(microseconds: $0.2) })
                }
            }
        }

        public func done(_ mail: [Int64], under term: Term) async throws {
            var numbers = PostgresArray(of: .bigint)
            for number in mail { numbers.append(number) }
            let all = PostgresValue(numbers)
            try await write(under: term) { transaction in
                _ = try transaction.execute("DELETE FROM mail WHERE number = ANY($1::bigint[])", [all])
            }
        }
    }
#endif

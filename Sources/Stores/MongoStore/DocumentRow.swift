#if MongoDB
    import CarillonCore
    import MongoClient
    import StoreCodec
    import Timetable

    /// A document as a row of the fields that these paths name, in their order.
    struct DocumentRow: StoredRow {
        let document: BSONDocument
        let paths: [String]

        private func value(_ column: Int) -> BSONValue? {
            document.at(paths[column]).flatMap { $0 == .null ? nil : $0 }
        }

        private func mismatch(_ column: Int, _ expected: String) -> StoreError {
            let id = document["_id"]?.string.map { " of \($0)" } ?? ""
            return StoreError(
                .corrupt,
                "the store holds a field \(paths[column])\(id) that is \(value(column)?.typeName ?? "not there"), not \(expected)"
            )
        }

        func text(_ column: Int) throws -> String? {
            switch value(column) {
            case nil: nil
            case .string(let text): text
            // Tags, which an index has one by one.
            case .array(let values): values.isEmpty ? "[]" : try RowCodec.encode(values.compactMap(\.string))
            default: throw mismatch(column, "a text")
            }
        }

        func integer(_ column: Int) throws -> Int64? {
            guard let value = value(column) else { return nil }
            guard let number = value.integer else { throw mismatch(column, "a whole number") }
            return number
        }

        func bool(_ column: Int) throws -> Bool? {
            switch value(column) {
            case nil: nil
            case .bool(let isTrue): isTrue
            // Whether there is one at all.
            case .document: true
            default: throw mismatch(column, "a truth value")
            }
        }

        func runID(_ column: Int) throws -> RunID? { value(column)?.objectID.map { RunID($0) } }
    }

    extension RunID {
        init(_ id: ObjectID) {
            let bytes = id.bytes
            self.init(
                second: bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) },
                hash: bytes.dropFirst(4).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }

        /// The same twelve bytes, in the same order.
        var object: BSONValue {
            let bytes =
                (0..<4).map { UInt8(truncatingIfNeeded: second >> (24 - 8 * $0)) }
                + (0..<8).map { UInt8(truncatingIfNeeded: hash >> (56 - 8 * $0)) }
            guard let id = ObjectID(bytes: bytes) else { preconditionFailure("twelve bytes") }
            return .objectID(id)
        }
    }

    extension BSONValue {
        init(_ time: Timestamp) { self = .int64(time.microseconds) }
        init(_ job: JobID) { self = .int64(Int64(job.number)) }
        init(_ shard: Shard) { self = .int64(Int64(shard.number)) }
        init(_ instance: InstanceNumber) { self = .int64(Int64(instance.number)) }

        /// A moment as Simple Scheduler has it, to the millisecond; what lies in it counts, so it is rounded down.
        static func date(_ time: Timestamp) -> BSONValue {
            let (milliseconds, rest) = time.microseconds.quotientAndRemainder(dividingBy: 1_000)
            return .date(rest < 0 ? milliseconds - 1 : milliseconds)
        }

        var job: JobID? { integer.map { JobID(Int32(truncatingIfNeeded: $0)) } }
        var shard: Shard? { integer.map { Shard(Int16(truncatingIfNeeded: $0)) } }
        var instance: InstanceNumber? { integer.map { InstanceNumber(Int32(truncatingIfNeeded: $0)) } }
        var time: Timestamp? { integer.map { Timestamp(microseconds: $0) } }
    }

    extension BSONDocument {
        /// Adds a field that has a value.
        mutating func append(_ name: String, some value: BSONValue?) { if let value { append(name, value) } }
    }

    extension DocumentChange {
        /// Sets a field, or removes it when there is no value.
        mutating func set(_ path: String, _ value: BSONValue?) {
            steps.append(value.map { .set(path, $0) } ?? .unset(path))
        }
    }
#endif

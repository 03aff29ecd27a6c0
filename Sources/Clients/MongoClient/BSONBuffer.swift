#if MongoDB
    import CMongoDB
    import Glibc

    /// What cannot be written as BSON, or is none.
    enum BSONFlaw: Error, CustomStringConvertible {
        case zeroByte
        case tooDeep
        case tooLarge
        case unknownType(UInt8)
        case corrupt

        var description: String {
            switch self {
            case .zeroByte: "the name of a field has a zero byte in it"
            case .tooDeep: "a document is nested more than \(BSONBuffer.mostLevels) deep"
            case .tooLarge: "a document is larger than \(BSONBuffer.mostBytes) bytes"
            case .unknownType(let type): "a value of type \(type) of BSON is not for this client to write"
            case .corrupt: "the server sent what is no document"
            }
        }
    }

    /// A document as the library has it; freed with the value.
    final class BSONBuffer {
        /// What a server nests at most, and how large a document of it is at most ("MongoDB Limits and Thresholds").
        static let mostLevels = 100
        static let mostBytes = 16_777_216

        private let pointer: OpaquePointer

        init(_ document: BSONDocument) throws(BSONFlaw) {
            pointer = bson_new()
            try Self.append(document, to: pointer, level: 1)
        }

        deinit { bson_destroy(pointer) }

        var bytes: Int { Int(carillon_bson_size(pointer)) }

        /// Lends several documents to the library, which has them as long as `body` runs.
        static func lend<Value>(_ buffers: [BSONBuffer], _ body: ([OpaquePointer]) throws -> Value) rethrows -> Value {
            try withExtendedLifetime(buffers) { try body(buffers.map(\.pointer)) }
        }

        // MARK: Writing

        private static func append(
            _ document: BSONDocument, to target: OpaquePointer, level: Int
        ) throws(BSONFlaw) {
            guard level <= mostLevels else { throw .tooDeep }
            for (name, value) in document { try append(name, value, to: target, level: level) }
            guard carillon_bson_size(target) <= mostBytes else { throw .tooLarge }
        }

        private static func append(
            _ name: String, _ value: BSONValue, to target: OpaquePointer, level: Int
        ) throws(BSONFlaw) {
            guard !name.utf8.contains(0) else { throw .zeroByte }
            let length = Int32(clamping: name.utf8.count)
            let added: Bool
            switch value {
            case .double(let value): added = bson_append_double(target, name, length, value)
            case .string(let value):
                guard let count = Int32(exactly: value.utf8.count) else { throw .tooLarge }
                added = value.withCString { bson_append_utf8(target, name, length, $0, count) }
            case .bool(let value): added = bson_append_bool(target, name, length, value)
            case .date(let value): added = bson_append_date_time(target, name, length, value)
            case .null: added = bson_append_null(target, name, length)
            case .int32(let value): added = bson_append_int32(target, name, length, value)
            case .int64(let value): added = bson_append_int64(target, name, length, value)
            case .objectID(let value):
                added = value.bytes.withUnsafeBufferPointer { bytes in
                    var id = bson_oid_t()
                    bson_oid_init_from_data(&id, bytes.baseAddress)
                    return bson_append_oid(target, name, length, &id)
                }
            case .binary(let bytes, let subtype):
                guard let count = UInt32(exactly: bytes.count) else { throw .tooLarge }
                // The library takes no null pointer, not even for no bytes.
                added = (bytes.isEmpty ? [0] : bytes).withUnsafeBufferPointer {
                    bson_append_binary(target, name, length, bson_subtype_t(UInt32(subtype)), $0.baseAddress, count)
                }
            case .document(let value):
                let inner = try room(level)
                defer { free(UnsafeMutableRawPointer(inner)) }
                guard bson_append_document_begin(target, name, length, inner) else { throw .tooLarge }
                // Ended whatever it is: the library counts on it when the outer one is freed.
                defer { bson_append_document_end(target, inner) }
                try append(value, to: inner, level: level + 1)
                added = true
            case .array(let values):
                let inner = try room(level)
                defer { free(UnsafeMutableRawPointer(inner)) }
                guard bson_append_array_begin(target, name, length, inner) else { throw .tooLarge }
                defer { bson_append_array_end(target, inner) }
                for (index, value) in values.enumerated() { try append("\(index)", value, to: inner, level: level + 1) }
                added = true
            case .other(let type): throw .unknownType(type)
            }
            // The library refuses what makes it larger than 2 GiB.
            guard added, carillon_bson_size(target) <= mostBytes else { throw .tooLarge }
        }

        /// Makes room for a document inside of one of this level, at an address that stays.
        private static func room(_ level: Int) throws(BSONFlaw) -> OpaquePointer {
            guard level < mostLevels else { throw .tooDeep }
            guard let inner = carillon_bson_inner() else { throw .tooLarge }
            return inner
        }

        // MARK: Reading

        /// Reads a document of the library. Throws `corrupt` and `tooDeep`.
        static func read(_ source: OpaquePointer) throws(BSONFlaw) -> BSONDocument {
            var document = BSONDocument()
            try each(level: 1) {
                bson_iter_init($0, source)
            } body: { name, value in
                document.append(name, value)
            }
            return document
        }

        private static func each(
            level: Int, _ begin: (OpaquePointer) -> Bool, body: (String, BSONValue) -> Void
        ) throws(BSONFlaw) {
            // Twice of what a server takes, since some of what it answers has documents inside of its own.
            guard level <= 2 * mostLevels else { throw .tooDeep }
            guard let reader = carillon_bson_reader() else { throw .tooLarge }
            defer { free(UnsafeMutableRawPointer(reader)) }
            guard begin(reader) else { throw .corrupt }
            while bson_iter_next(reader) { body(String(cString: bson_iter_key(reader)), try value(reader, level)) }
            guard !carillon_bson_is_corrupt(reader) else { throw .corrupt }
        }

        private static func value(_ reader: OpaquePointer, _ level: Int) throws(BSONFlaw) -> BSONValue {
            let type = bson_iter_type(reader)
            switch type {
            case BSON_TYPE_DOUBLE: return .double(bson_iter_double(reader))
            case BSON_TYPE_UTF8:
                var count: UInt32 = 0
                let text = bson_iter_utf8(reader, &count)
                return .string(String(decoding: UnsafeRawBufferPointer(start: text, count: Int(count)), as: UTF8.self))
            case BSON_TYPE_DOCUMENT:
                var document = BSONDocument()
                try each(level: level + 1) {
                    bson_iter_recurse(reader, $0)
                } body: { name, value in
                    document.append(name, value)
                }
                return .document(document)
            case BSON_TYPE_ARRAY:
                var array: [BSONValue] = []
                try each(level: level + 1) {
                    bson_iter_recurse(reader, $0)
                } body: { _, value in
                    array.append(value)
                }
                return .array(array)
            case BSON_TYPE_BINARY:
                var subtype = BSON_SUBTYPE_BINARY
                var count: UInt32 = 0
                var bytes: UnsafePointer<UInt8>?
                bson_iter_binary(reader, &subtype, &count, &bytes)
                return .binary(
                    Array(UnsafeBufferPointer(start: bytes, count: Int(count))),
                    subtype: UInt8(truncatingIfNeeded: subtype.rawValue))
            case BSON_TYPE_OID:
                let id = bson_iter_oid(reader).flatMap { pointer in
                    withUnsafeBytes(of: pointer.pointee.bytes) { ObjectID(bytes: $0) }
                }
                guard let id else { throw .corrupt }
                return .objectID(id)
            case BSON_TYPE_BOOL: return .bool(bson_iter_bool(reader))
            case BSON_TYPE_DATE_TIME: return .date(bson_iter_date_time(reader))
            case BSON_TYPE_NULL: return .null
            case BSON_TYPE_INT32: return .int32(bson_iter_int32(reader))
            case BSON_TYPE_INT64: return .int64(bson_iter_int64(reader))
            default: return .other(type: UInt8(truncatingIfNeeded: type.rawValue))
            }
        }
    }
#endif

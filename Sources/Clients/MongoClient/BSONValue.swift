#if MongoDB
    /// A value of BSON (bsonspec.org, 1.1).
    public indirect enum BSONValue: Hashable, Sendable {
        case double(Double)
        case string(String)
        case document(BSONDocument)
        case array([BSONValue])
        /// Bytes and their subtype: 0 for any, 4 for a UUID.
        case binary([UInt8], subtype: UInt8)
        case objectID(ObjectID)
        case bool(Bool)
        /// Milliseconds since 1970 UTC.
        case date(Int64)
        case null
        case int32(Int32)
        case int64(Int64)
        /// A type that this client does not know, by its number; it is read, and never written.
        case other(type: UInt8)

        /// What it is, for people.
        public var typeName: String {
            switch self {
            case .double: "a double"
            case .string: "a text"
            case .document: "a document"
            case .array: "an array"
            case .binary: "bytes"
            case .objectID: "an object id"
            case .bool: "a truth value"
            case .date: "a date"
            case .null: "null"
            case .int32, .int64: "a whole number"
            case .other(let type): "type \(type) of BSON"
            }
        }

        // MARK: As Swift has it; nil for another type

        public var string: String? {
            guard case .string(let value) = self else { return nil }
            return value
        }

        public var document: BSONDocument? {
            guard case .document(let value) = self else { return nil }
            return value
        }

        public var array: [BSONValue]? {
            guard case .array(let value) = self else { return nil }
            return value
        }

        public var objectID: ObjectID? {
            guard case .objectID(let value) = self else { return nil }
            return value
        }

        public var bool: Bool? {
            guard case .bool(let value) = self else { return nil }
            return value
        }

        /// Milliseconds since 1970 UTC.
        public var date: Int64? {
            guard case .date(let value) = self else { return nil }
            return value
        }

        public var bytes: [UInt8]? {
            guard case .binary(let value, _) = self else { return nil }
            return value
        }

        /// A whole number of any of the types; a shell writes doubles.
        public var integer: Int64? {
            switch self {
            case .int32(let value): Int64(value)
            case .int64(let value): value
            case .double(let value): Int64(exactly: value)
            default: nil
            }
        }

        /// A number of any of the types.
        public var double: Double? {
            switch self {
            case .int32(let value): Double(value)
            case .int64(let value): Double(value)
            case .double(let value): value
            default: nil
            }
        }
    }

    extension BSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral,
        ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
    {
        public init(stringLiteral value: String) { self = .string(value) }
        public init(booleanLiteral value: Bool) { self = .bool(value) }
        public init(nilLiteral: ()) { self = .null }
        public init(arrayLiteral elements: BSONValue...) { self = .array(elements) }
        public init(dictionaryLiteral elements: (String, BSONValue)...) { self = .document(BSONDocument(elements)) }
    }

    extension BSONValue: ExpressibleByIntegerLiteral {
        /// Is 32 bits long where these are enough, as a driver's of other languages.
        public init(integerLiteral value: Int64) {
            self = Int32(exactly: value).map { .int32($0) } ?? .int64(value)
        }
    }
#endif

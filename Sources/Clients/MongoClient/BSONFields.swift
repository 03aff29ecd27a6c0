#if MongoDB
    /// A stored field is not what the reader of it expects.
    public struct BSONMismatch: Error, Hashable, Sendable, CustomStringConvertible {
        public var collection: String
        /// The document's `_id`, where it is a text, a whole number or an object id.
        public var id: String?
        public var field: String
        /// Such as "a text".
        public var expected: String
        /// Such as "a date", or "nothing".
        public var found: String

        public var description: String {
            let place = id.map { "\(collection) \($0)" } ?? collection
            return "\(place): field \(field): expected \(expected), found \(found)"
        }
    }

    /// Reads the fields of a document, and says which one of which collection is not what it should be.
    ///
    /// Whole numbers are taken of every numeric type, since shells and other drivers write what they have. A null counts as
    /// a field that is not there.
    public struct BSONFields: Sendable {
        public let document: BSONDocument
        public let collection: String
        /// Of documents inside of documents: the names that lead to this one.
        private let path: String
        private let id: String?

        public init(_ document: BSONDocument, of collection: String) {
            self.document = document
            self.collection = collection
            path = ""
            id =
                switch document["_id"] {
                case .string(let text): text
                case .objectID(let id): "\(id)"
                case let other?: other.integer.map { "\($0)" }
                case nil: nil
                }
        }

        private init(_ document: BSONDocument, within outer: BSONFields, _ name: String) {
            self.document = document
            collection = outer.collection
            path = outer.path + name + "."
            id = outer.id
        }

        // MARK: What must be there. Throws when it is not, or is something else.

        public func string(_ name: String) throws(BSONMismatch) -> String { try must(name, "a text", \.string) }
        public func bool(_ name: String) throws(BSONMismatch) -> Bool { try must(name, "a truth value", \.bool) }
        public func integer(_ name: String) throws(BSONMismatch) -> Int64 {
            try must(name, "a whole number", \.integer)
        }
        public func double(_ name: String) throws(BSONMismatch) -> Double { try must(name, "a number", \.double) }
        /// Milliseconds since 1970 UTC.
        public func date(_ name: String) throws(BSONMismatch) -> Int64 { try must(name, "a date", \.date) }
        public func objectID(_ name: String) throws(BSONMismatch) -> ObjectID {
            try must(name, "an object id", \.objectID)
        }
        public func bytes(_ name: String) throws(BSONMismatch) -> [UInt8] { try must(name, "bytes", \.bytes) }
        public func array(_ name: String) throws(BSONMismatch) -> [BSONValue] { try must(name, "an array", \.array) }

        public func fields(_ name: String) throws(BSONMismatch) -> BSONFields {
            BSONFields(try must(name, "a document", \.document), within: self, name)
        }

        // MARK: What may be there. Throws when it is something else.

        public func stringIfPresent(_ name: String) throws(BSONMismatch) -> String? {
            try may(name, "a text", \.string)
        }
        public func boolIfPresent(_ name: String) throws(BSONMismatch) -> Bool? {
            try may(name, "a truth value", \.bool)
        }

        public func integerIfPresent(_ name: String) throws(BSONMismatch) -> Int64? {
            try may(name, "a whole number", \.integer)
        }

        public func doubleIfPresent(_ name: String) throws(BSONMismatch) -> Double? {
            try may(name, "a number", \.double)
        }
        /// Milliseconds since 1970 UTC.
        public func dateIfPresent(_ name: String) throws(BSONMismatch) -> Int64? { try may(name, "a date", \.date) }

        public func objectIDIfPresent(_ name: String) throws(BSONMismatch) -> ObjectID? {
            try may(name, "an object id", \.objectID)
        }

        public func bytesIfPresent(_ name: String) throws(BSONMismatch) -> [UInt8]? { try may(name, "bytes", \.bytes) }

        public func arrayIfPresent(_ name: String) throws(BSONMismatch) -> [BSONValue]? {
            try may(name, "an array", \.array)
        }

        public func fieldsIfPresent(_ name: String) throws(BSONMismatch) -> BSONFields? {
            try may(name, "a document", \.document).map { BSONFields($0, within: self, name) }
        }

        private func must<Value>(
            _ name: String, _ expected: String, _ value: (BSONValue) -> Value?
        ) throws(BSONMismatch) -> Value {
            guard let found = try may(name, expected, value) else { throw mismatch(name, expected) }
            return found
        }

        private func may<Value>(
            _ name: String, _ expected: String, _ value: (BSONValue) -> Value?
        ) throws(BSONMismatch) -> Value? {
            guard let found = document[name], found != .null else { return nil }
            guard let value = value(found) else { throw mismatch(name, expected) }
            return value
        }

        private func mismatch(_ name: String, _ expected: String) -> BSONMismatch {
            BSONMismatch(
                collection: collection, id: id, field: path + name, expected: expected,
                found: document[name]?.typeName ?? "nothing")
        }
    }
#endif

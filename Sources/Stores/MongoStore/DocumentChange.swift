#if MongoDB
    package import MongoClient

    /// What is made of a document; no path is in it twice.
    package struct DocumentChange: Hashable, Sendable, ExpressibleByArrayLiteral {
        package enum Step: Hashable, Sendable {
            case set(String, BSONValue)
            /// Only of a document that this makes.
            case setOnInsert(String, BSONValue)
            case unset(String)
            /// Adds a number; a field that is not there counts as 0.
            case add(String, Int64)
            /// Sets a field that is not there, or is lower.
            case raise(String, BSONValue)
            /// Sets a field to the server's time, as a date.
            case now(String)
        }

        package var steps: [Step]

        package init(_ steps: [Step]) { self.steps = steps }
        package init(arrayLiteral elements: Step...) { steps = elements }

        // MARK: As the server has it

        package var document: BSONDocument {
            var groups: BSONDocument = [:]
            func put(_ name: String, _ path: String, _ value: BSONValue) {
                var group = groups[name]?.document ?? [:]
                group.append(path, value)
                groups[name] = .document(group)
            }
            for step in steps {
                switch step {
                case .set(let path, let value): put("$set", path, value)
                case .setOnInsert(let path, let value): put("$setOnInsert", path, value)
                case .unset(let path): put("$unset", path, "")
                case .add(let path, let number): put("$inc", path, .int64(number))
                case .raise(let path, let value): put("$max", path, value)
                case .now(let path): put("$currentDate", path, true)
                }
            }
            return groups
        }

        // MARK: In memory

        /// Makes the change; `isNew` for a document that is made by it.
        package func apply(to document: inout BSONDocument, isNew: Bool) {
            for step in steps {
                switch step {
                case .set(let path, let value): document.put(path, value)
                case .setOnInsert(let path, let value): if isNew { document.put(path, value) }
                case .unset(let path): document.put(path, nil)
                case .add(let path, let number):
                    document.put(path, .int64((document.at(path)?.integer ?? 0) + number))
                case .raise(let path, let value):
                    if document.at(path)?.compared(to: value).map({ $0 < 0 }) ?? true { document.put(path, value) }
                // There is no clock; nothing is decided by it.
                case .now(let path): document.put(path, .date(0))
                }
            }
        }
    }

    extension BSONDocument {
        /// The field at a path with dots, of documents inside of documents.
        func at(_ path: String) -> BSONValue? {
            guard let dot = path.firstIndex(of: ".") else { return self[path] }
            return self[String(path[..<dot])]?.document?.at(String(path[path.index(after: dot)...]))
        }

        mutating func put(_ path: String, _ value: BSONValue?) {
            guard let dot = path.firstIndex(of: ".") else {
                self[path] = value
                return
            }
            let name = String(path[..<dot])
            // What is not there need not be removed.
            if value == nil, self[name] == nil { return }
            var inner = self[name]?.document ?? [:]
            inner.put(String(path[path.index(after: dot)...]), value)
            self[name] = .document(inner)
        }
    }

    extension BSONValue {
        /// Whether a server takes both for the same: numbers of any type are compared as numbers.
        func isSame(_ other: BSONValue) -> Bool {
            if let one = double, let two = other.double { return integer == other.integer && one == two }
            return self == other
        }

        /// Below 0, 0, or above, as a server orders two values of one type; nil for two of different types.
        func compared(to other: BSONValue) -> Int? {
            func order<Value: Comparable>(_ one: Value, _ two: Value) -> Int { one < two ? -1 : one == two ? 0 : 1 }
            if let one = integer, let two = other.integer { return order(one, two) }
            if let one = double, let two = other.double { return order(one, two) }
            switch (self, other) {
            // By bytes, as the simple collation has it.
            case (.string(let one), .string(let two)):
                return one == two ? 0 : one.utf8.lexicographicallyPrecedes(two.utf8) ? -1 : 1
            case (.date(let one), .date(let two)): return order(one, two)
            case (.objectID(let one), .objectID(let two)): return order(one, two)
            case (.bool(let one), .bool(let two)): return order(one ? 1 : 0, two ? 1 : 0)
            default: return nil
            }
        }
    }
#endif

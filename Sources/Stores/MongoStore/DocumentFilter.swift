#if MongoDB
    package import MongoClient

    /// Which documents are meant: those for which every condition holds. A path names a field, or one of a document inside with
    /// dots between.
    package struct DocumentFilter: Hashable, Sendable, ExpressibleByArrayLiteral {
        package indirect enum Condition: Hashable, Sendable {
            /// The field is this, or an array with this in it. Never null: ask whether it exists.
            case equals(String, BSONValue)
            case isOneOf(String, [BSONValue])
            case isNot(String, BSONValue)
            case isBelow(String, BSONValue)
            case isAtMost(String, BSONValue)
            case isAbove(String, BSONValue)
            case isAtLeast(String, BSONValue)
            case exists(String)
            case isMissing(String)
            case any([DocumentFilter])
        }

        package var conditions: [Condition]

        package init(_ conditions: [Condition]) { self.conditions = conditions }
        package init(arrayLiteral elements: Condition...) { conditions = elements }

        // MARK: As the server has it

        package var document: BSONDocument {
            // Two conditions of one field are two documents, so each stands by itself.
            let all = conditions.map(Self.document)
            switch all.count {
            case 0: return [:]
            case 1: return all[0]
            default: return ["$and": .array(all.map { .document($0) })]
            }
        }

        private static func document(_ condition: Condition) -> BSONDocument {
            switch condition {
            case .equals(let path, let value): [path: ["$eq": value]]
            case .isOneOf(let path, let values): [path: ["$in": .array(values)]]
            case .isNot(let path, let value): [path: ["$ne": value]]
            case .isBelow(let path, let value): [path: ["$lt": value]]
            case .isAtMost(let path, let value): [path: ["$lte": value]]
            case .isAbove(let path, let value): [path: ["$gt": value]]
            case .isAtLeast(let path, let value): [path: ["$gte": value]]
            case .exists(let path): [path: ["$exists": true]]
            case .isMissing(let path): [path: ["$exists": false]]
            // The server takes no empty list.
            case .any(let filters) where filters.isEmpty: ["_id": ["$in": []]]
            case .any(let filters): ["$or": .array(filters.map { .document($0.document) })]
            }
        }

        // MARK: In memory

        /// Whether a document fits.
        package func fits(_ document: BSONDocument) -> Bool { conditions.allSatisfy { Self.holds($0, document) } }

        private static func holds(_ condition: Condition, _ document: BSONDocument) -> Bool {
            switch condition {
            case .equals(let path, let value): document.at(path).map { has($0, value) } ?? false
            case .isOneOf(let path, let values):
                document.at(path).map { found in values.contains { has(found, $0) } } ?? false
            case .isNot(let path, let value): document.at(path).map { !has($0, value) } ?? true
            case .isBelow(let path, let value): ordered(document, path, value) { $0 < 0 }
            case .isAtMost(let path, let value): ordered(document, path, value) { $0 <= 0 }
            case .isAbove(let path, let value): ordered(document, path, value) { $0 > 0 }
            case .isAtLeast(let path, let value): ordered(document, path, value) { $0 >= 0 }
            case .exists(let path): document.at(path) != nil
            case .isMissing(let path): document.at(path) == nil
            case .any(let filters): filters.contains { $0.fits(document) }
            }
        }

        private static func has(_ found: BSONValue, _ value: BSONValue) -> Bool {
            found.isSame(value) || found.array?.contains { $0.isSame(value) } ?? false
        }

        private static func ordered(
            _ document: BSONDocument, _ path: String, _ value: BSONValue, _ test: (Int) -> Bool
        ) -> Bool {
            document.at(path)?.compared(to: value).map(test) ?? false
        }
    }
#endif

#if MongoDB
    import CarillonCore
    package import MongoClient
    import StoreCodec

    /// Which documents are meant: those for which every condition holds. A path names a field, or one of a document inside with
    /// dots between.
    package struct DocumentFilter: Hashable, Sendable, ExpressibleByArrayLiteral {
        package indirect enum Condition: Hashable, Sendable {
            /// The field is this, or an array with this in it. Never null: ask whether it exists.
            case equals(String, BSONValue)
            case isOneOf(String, [BSONValue])
            case isNot(String, BSONValue)
            case isNoneOf(String, [BSONValue])
            case isBelow(String, BSONValue)
            case isAtMost(String, BSONValue)
            case isAbove(String, BSONValue)
            case isAtLeast(String, BSONValue)
            /// From one value to another, both among them.
            case isWithin(String, BSONValue, BSONValue)
            case exists(String)
            case isMissing(String)
            case any([DocumentFilter])
            /// The field is a text that a pattern matches, as `Glob` reads it.
            case isLike(String, String)
        }

        package var conditions: [Condition]

        package init(_ conditions: [Condition]) { self.conditions = conditions }
        package init(arrayLiteral elements: Condition...) { conditions = elements }

        // MARK: As the server has it

        /// Each path stands once, where all that is asked of it fits beside each other: so a server finds its index.
        package var document: BSONDocument {
            var whole: BSONDocument = [:]
            var others: [BSONValue] = []
            for condition in conditions {
                let asked = Self.document(condition)
                guard let (path, value) = asked.first, let operators = value.document, !path.hasPrefix("$") else {
                    others.append(.document(asked))
                    continue
                }
                var known = whole[path]?.document ?? [:]
                if operators.contains(where: { known[$0.name] != nil }) {
                    others.append(.document(asked))
                    continue
                }
                for (name, value) in operators { known.append(name, value) }
                whole[path] = .document(known)
            }
            // One alternative may stand beside the rest.
            if whole["$or"] == nil, others.count == 1, let only = others[0].document, let (name, value) = only.first,
                name == "$or"
            {
                whole.append(name, value)
            } else if !others.isEmpty {
                whole.append("$and", .array(others))
            }
            return whole
        }

        private static func document(_ condition: Condition) -> BSONDocument {
            switch condition {
            case .equals(let path, let value): [path: ["$eq": value]]
            case .isOneOf(let path, let values): [path: ["$in": .array(values)]]
            case .isNot(let path, let value): [path: ["$ne": value]]
            case .isNoneOf(let path, let values): [path: ["$nin": .array(values)]]
            case .isBelow(let path, let value): [path: ["$lt": value]]
            case .isAtMost(let path, let value): [path: ["$lte": value]]
            case .isAbove(let path, let value): [path: ["$gt": value]]
            case .isAtLeast(let path, let value): [path: ["$gte": value]]
            case .isWithin(let path, let low, let high): [path: ["$gte": low, "$lte": high]]
            case .exists(let path): [path: ["$exists": true]]
            case .isMissing(let path): [path: ["$exists": false]]
            // The server takes no empty list.
            case .any(let filters) where filters.isEmpty: ["_id": ["$in": []]]
            case .any(let filters): ["$or": .array(filters.map { .document($0.document) })]
            case .isLike(let path, let glob):
                Self.patterns.expression(of: glob).map { [path: ["$regex": .string($0), "$options": "s"]] } ?? [
                    "_id": ["$in": []]
                ]
            }
        }

        /// As PCRE has it: whatever is no letter and no digit stands as its number, but beyond ASCII, where every character means
        /// itself. `$` would also match before a line break; that `.` is any character, the option says.
        private static let patterns = GlobTranslation(end: "(?!.)", nothing: "(?!)") { scalar in
            let isWord = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            if isWord || !scalar.isASCII { return String(scalar) }
            let digits = String(scalar.value, radix: 16)
            return #"\x"# + (digits.count < 2 ? "0" : "") + digits
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
            case .isNoneOf(let path, let values):
                document.at(path).map { found in !values.contains { has(found, $0) } } ?? true
            case .isBelow(let path, let value): ordered(document, path, value) { $0 < 0 }
            case .isAtMost(let path, let value): ordered(document, path, value) { $0 <= 0 }
            case .isAbove(let path, let value): ordered(document, path, value) { $0 > 0 }
            case .isAtLeast(let path, let value): ordered(document, path, value) { $0 >= 0 }
            case .isWithin(let path, let low, let high):
                ordered(document, path, low) { $0 >= 0 } && ordered(document, path, high) { $0 <= 0 }
            case .exists(let path): document.at(path) != nil
            case .isMissing(let path): document.at(path) == nil
            case .any(let filters): filters.contains { $0.fits(document) }
            case .isLike(let path, let glob): document.at(path)?.string.map { Glob(glob).matches($0) } ?? false
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

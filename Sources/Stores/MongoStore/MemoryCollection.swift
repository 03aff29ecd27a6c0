#if MongoDB
    package import MongoClient

    /// A collection in memory: documents, and by each indexed field the places of those that have a value of it.
    struct MemoryCollection: Sendable {
        private var slots: [BSONDocument?] = []
        private var free: [Int] = []
        private var indexes: [DocumentIndex] = []
        /// By the first field of each index.
        private var places: [String: [BSONValue: Set<Int>]] = [:]
        /// What `places` is by: to go through its own keys would keep a copy of all of it.
        private var paths: [String] = []
        /// What was changed since somebody looked, where somebody does.
        var journal: [DocumentPair]?

        init() { add(DocumentIndex("_id_", ["_id"], unique: true)) }

        mutating func add(_ index: DocumentIndex) {
            if indexes.contains(index) { return }
            indexes.append(index)
            let path = index.paths[0]
            if places[path] != nil { return }
            places[path] = [:]
            paths.append(path)
            for (slot, document) in slots.enumerated() {
                if let document { note(document, at: slot, by: path) }
            }
        }

        // MARK: Finding

        func documents(_ filter: DocumentFilter) -> [BSONDocument] { matching(filter).compactMap { slots[$0] } }

        /// The places of the documents that fit, in order.
        private func matching(_ filter: DocumentFilter) -> [Int] {
            guard let candidates = candidates(filter) else {
                return slots.indices.filter { slots[$0].map(filter.fits) ?? false }
            }
            return candidates.sorted().filter { slots[$0].map(filter.fits) ?? false }
        }

        /// The fewest documents that an index can name; nil where none can.
        private func candidates(_ filter: DocumentFilter) -> Set<Int>? {
            var best: Set<Int>?
            for condition in filter.conditions {
                let found: Set<Int>
                switch condition {
                case .equals(let path, let value):
                    guard let index = places[path] else { continue }
                    found = index[Self.key(value)] ?? []
                case .isOneOf(let path, let values):
                    guard let index = places[path] else { continue }
                    found = values.reduce(into: []) { $0.formUnion(index[Self.key($1)] ?? []) }
                default: continue
                }
                if best.map({ found.count < $0.count }) ?? true { best = found }
            }
            return best
        }

        /// The same for numbers of any type that are equal.
        private static func key(_ value: BSONValue) -> BSONValue { value.integer.map { .int64($0) } ?? value }

        // MARK: Changing

        private mutating func note(_ document: BSONDocument, at slot: Int, by path: String) {
            for key in Self.keys(document, path) { places[path]?[key, default: []].insert(slot) }
        }

        private static func keys(_ document: BSONDocument, _ path: String) -> [BSONValue] {
            guard let value = document.at(path) else { return [] }
            return [key(value)] + (value.array ?? []).map(key)
        }

        private mutating func put(_ document: BSONDocument?, at slot: Int) {
            journal?.append(DocumentPair(before: slots[slot], after: document))
            for path in paths {
                let before = slots[slot].map { Self.keys($0, path) } ?? []
                let after = document.map { Self.keys($0, path) } ?? []
                if before == after { continue }
                for key in before {
                    places[path]?[key]?.remove(slot)
                    if places[path]?[key]?.isEmpty == true { places[path]?[key] = nil }
                }
                for key in after { places[path]?[key, default: []].insert(slot) }
            }
            slots[slot] = document
        }

        private mutating func append(_ document: BSONDocument) -> Int {
            let slot = free.popLast() ?? slots.count
            if slot == slots.count { slots.append(nil) }
            put(document, at: slot)
            return slot
        }

        /// Which unique index has the like of a document already, but for the one at a place.
        private func duplicate(of document: BSONDocument, except slot: Int?) -> MongoDuplicate? {
            let hindering = indexes.first { index in
                guard index.isUnique, index.partial?.fits(document) ?? true else { return false }
                let first = index.paths[0]
                // Those that have no such field are few, and seldom asked for.
                let others = document.at(first).map { places[first]?[Self.key($0)] ?? [] } ?? Set(slots.indices)
                return others.contains { other in
                    guard other != slot, let other = slots[other], index.partial?.fits(other) ?? true else {
                        return false
                    }
                    return index.paths.allSatisfy { path in
                        (document.at(path) ?? .null).isSame(other.at(path) ?? .null)
                    }
                }
            }
            return hindering.map { MongoDuplicate(index: $0.name, fields: $0.paths) }
        }

        /// Inserts a document unless a unique index has its like; answers that one then.
        mutating func insert(_ document: BSONDocument) -> MongoDuplicate? {
            if let duplicate = duplicate(of: document, except: nil) { return duplicate }
            _ = append(document)
            return nil
        }

        /// Updates the first document that fits, or makes one; answers it as it is then, nil when a unique index hinders it.
        mutating func update(_ update: DocumentUpdate) -> BSONDocument? {
            let slot = matching(update.filter).first
            guard slot != nil || update.upsert else { return nil }
            var document = slot.flatMap { slots[$0] } ?? Self.seed(update.filter)
            update.change.apply(to: &document, isNew: slot == nil)
            guard duplicate(of: document, except: slot) == nil else { return nil }
            if let slot { put(document, at: slot) } else { _ = append(document) }
            return document
        }

        /// A document that an upsert begins with: what its filter says that it is.
        private static func seed(_ filter: DocumentFilter) -> BSONDocument {
            var document: BSONDocument = [:]
            for case .equals(let path, let value) in filter.conditions { document.put(path, value) }
            return document
        }

        mutating func updateAll(_ filter: DocumentFilter, _ change: DocumentChange) -> Int {
            let found = matching(filter)
            for slot in found {
                guard var document = slots[slot] else { continue }
                change.apply(to: &document, isNew: false)
                put(document, at: slot)
            }
            return found.count
        }

        mutating func delete(_ filter: DocumentFilter) -> Int {
            let found = matching(filter)
            for slot in found {
                put(nil, at: slot)
                free.append(slot)
            }
            return found.count
        }
    }

    /// A document before a change and after it; nil where there is none.
    package struct DocumentPair: Sendable {
        package var before: BSONDocument?
        package var after: BSONDocument?
    }
#endif

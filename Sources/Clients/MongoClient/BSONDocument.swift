#if MongoDB
    /// Fields in their order, which BSON keeps and which counts where documents are compared.
    public struct BSONDocument: Hashable, Sendable {
        public typealias Field = (name: String, value: BSONValue)

        private struct Entry: Hashable, Sendable {
            var name: String
            var value: BSONValue
        }

        private var entries: [Entry]

        public init() { entries = [] }

        public init(_ fields: some Sequence<(String, BSONValue)>) {
            entries = fields.map { Entry(name: $0.0, value: $0.1) }
        }

        /// A field's value, nil where there is none; of two of one name the first has it. Setting keeps a field's place, nil
        /// removes it, and a new one goes to the end.
        public subscript(name: String) -> BSONValue? {
            get { entries.first { $0.name == name }?.value }
            set {
                let place = entries.firstIndex { $0.name == name }
                switch (place, newValue) {
                case (let place?, let value?): entries[place].value = value
                case (let place?, nil): entries.remove(at: place)
                case (nil, let value?): entries.append(Entry(name: name, value: value))
                case (nil, nil): break
                }
            }
        }

        /// Adds a field at the end, without a look at those that are there.
        public mutating func append(_ name: String, _ value: BSONValue) {
            entries.append(Entry(name: name, value: value))
        }

        public mutating func reserveCapacity(_ count: Int) { entries.reserveCapacity(count) }
    }

    extension BSONDocument: RandomAccessCollection {
        public var startIndex: Int { entries.startIndex }
        public var endIndex: Int { entries.endIndex }
        public subscript(index: Int) -> Field { (entries[index].name, entries[index].value) }
    }

    extension BSONDocument: ExpressibleByDictionaryLiteral {
        public init(dictionaryLiteral elements: (String, BSONValue)...) { self.init(elements) }
    }
#endif

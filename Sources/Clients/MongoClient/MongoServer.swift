#if MongoDB
    /// What answers at an address.
    public struct MongoServer: Hashable, Sendable {
        public enum Kind: Hashable, Sendable {
            case standalone
            /// Its name.
            case replicaSet(String)
            /// A router of a cluster.
            case sharded
        }

        public var kind: Kind
        /// Such as `7.0.14`; empty when it does not say.
        public var version: String
        /// The newest of the protocols it speaks: 21 for 7.0 (wire_version.h of its source).
        public var wireVersion: Int
        /// Its clock, in milliseconds since 1970 UTC; nil when it does not say.
        public var time: Int64?

        init(hello: BSONDocument, version: String) {
            kind =
                if hello["msg"]?.string == "isdbgrid" {
                    .sharded
                } else {
                    hello["setName"]?.string.map { .replicaSet($0) } ?? .standalone
                }
            self.version = version
            wireVersion = Int(hello["maxWireVersion"]?.integer ?? 0)
            time = hello["localTime"]?.date
        }
    }
#endif

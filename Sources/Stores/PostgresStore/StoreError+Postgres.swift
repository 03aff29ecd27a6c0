#if Postgres
    import BlockingConnection
    import CarillonCore
    import PostgresClient

    extension StoreError {
        /// Says what an error of PostgreSQL means to the engine and to a person; no password is in it.
        init(postgres error: any Error) {
            if let known = error as? StoreError {
                self = known
                return
            }
            guard let error = error as? PostgresError else {
                self.init(.unreachable, "\(error)")
                return
            }
            switch error.sqlState {
            case "53100": self.init(.full, "\(error): its disk is full; nothing was written")
            case "53300":
                self.init(
                    .unreachable,
                    """
                    \(error): the server of store.url has no room for another connection; raise its max_connections, or \
                    the role's or database's limit: the store takes \(PostgresStore.mostConnections)
                    """)
            case "25006": self.init(.unreachable, "\(error): it is read-only: a standby, or a transaction set so")
            case "28P01", "28000": self.init(.refused, "\(error): see the user and the password of store.url")
            case "3D000": self.init(.refused, "\(error): make it, or name another one in store.url")
            case "42501": self.init(.refused, "\(error): the user of store.url needs the right to do it")
            case "42P07", "42710":
                self.init(
                    .refused, "\(error): others have tables there; give the store a database, or a schema, of its own")
            case "42P01", "42703": self.init(.corrupt, "\(error): it holds no store of Carillon, or no whole one")
            case "XX001", "XX002": self.init(.corrupt, "\(error): the database is damaged; restore it from a backup")
            case "40001", "40P01", "55P03": self.init(.busy, "\(error): others write there at the same time")
            case "57014": self.init(.busy, "\(error): the server took too long")
            case let state where state.hasPrefix("22") || state.hasPrefix("54"):
                self.init(.refused, "\(error): the server cannot hold such a value")
            default: self.init(error.kind.isRefusal ? .refused : .unreachable, "\(error)")
            }
        }

        /// The term is not in force any more.
        static func lost(_ term: Term) -> StoreError {
            StoreError(.leaseLost, "another daemon took over: term \(term.count) is not in force any more")
        }
    }

    extension ClientErrorKind {
        fileprivate var isRefusal: Bool { self == .refused || self == .badConfiguration }
    }

    extension PostgresError {
        /// Whether the same may succeed at once: two met, or one waited too long for the other's lock.
        var isRepeatable: Bool { isConflict || sqlState == "55P03" }

        /// Whether the server cancelled it for taking too long.
        var isTooLong: Bool { sqlState == "57014" }

        /// Whether a key is there already.
        var isClash: Bool { sqlState == "23505" }
    }
#endif

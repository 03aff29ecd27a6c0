#if MongoDB
    /// Where a MongoDB server, replica set or sharded cluster is and how to reach it.
    ///
    /// Printing it, in whatever way, shows `address` alone. Whatever its address says of them, writes wait until a majority
    /// has them in its journals, and reads are of the primary, of what a majority has.
    public struct MongoConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
        /// As it was given: with its secrets.
        let url: String
        /// Without one nobody logs in, unless a certificate does.
        public var user: String?
        public var password: String?
        /// Whom to trust, and the client's own certificate with its key in one file, as paths of PEM files; each is a demand for
        /// TLS, and stands before the one of the address.
        public var caFile: String?
        public var certificateFile: String?
        /// Whose collections are meant; empty for none, and then no call of a collection can be made.
        public var database: String
        /// What the server's log and `currentOp` show; at most 128 bytes.
        public var applicationName = "carillon"

        /// Until a server is found that is fit for a call: `serverSelectionTimeoutMS`.
        public var selectionTimeout = Duration.seconds(5)
        /// For one connection, its handshake and each sign of life included: `connectTimeoutMS`. The look-up of a name comes
        /// on top and ends by the resolver's own time-out (resolv.conf(5)).
        public var connectTimeout = Duration.seconds(5)
        /// For one call: the server ends a reading one then, a writing one stops waiting for the others of its set, and when
        /// nothing has come a second later the connection is dropped. `socketTimeoutMS` of an address.
        ///
        /// A call that the library may make a second time, because the server that it asked first went away, takes at most
        /// twice as long, and the time-outs of a connection besides.
        public var callTimeout = Duration.seconds(30)

        /// `host:port`, or a socket's path; the name alone of a `mongodb+srv` address.
        public let hosts: [String]
        let isService: Bool
        /// Files that an address names, PEM.
        private let filesOfURL: [String]
        /// The password of a certificate's key.
        let keyPassword: String?

        init(
            url: String, user: String?, password: String?, database: String, hosts: [String], isService: Bool,
            files: [String], keyPassword: String?
        ) {
            self.url = url
            self.user = user
            self.password = password
            self.database = database
            self.hosts = hosts
            self.isService = isService
            filesOfURL = files
            self.keyPassword = keyPassword
        }

        /// Where it is, for people: `mongodb://user@host:port,host:port/database`.
        public var address: String {
            "\(isService ? "mongodb+srv" : "mongodb")://" + (user.map { "\($0)@" } ?? "")
                + hosts.joined(separator: ",") + "/" + database
        }

        public var description: String { address }
        public var customMirror: Mirror { Mirror(self, children: ["address": address]) }

        /// All files that it takes to connect.
        var files: [String] { filesOfURL + [caFile, certificateFile].compactMap { $0 } }

        /// What no text may show.
        var secrets: [String] { [password, keyPassword].compactMap { $0 }.filter { !$0.isEmpty } }

        /// At most 15 bytes; tells one server from another in `ps -L`.
        var threadName: String {
            let port = hosts.first?.split(separator: ":").last.flatMap { Int($0) }
            return port.map { 1...65_535 ~= $0 ? "mongo:\($0)" : "mongo" } ?? "mongo"
        }

        /// What is wrong with it; nil when nothing is.
        var flaw: String? {
            let texts = [user, password, database, applicationName]
            if texts.contains(where: { $0?.utf8.contains(0) == true }) { return "there is a zero byte in a setting" }
            if user?.isEmpty == true { return "the user has no name" }
            if password != nil, user == nil { return "there is a password, and no user" }
            if applicationName.utf8.count > 128 { return "the application's name has more than 128 bytes" }
            if [selectionTimeout, connectTimeout, callTimeout].contains(where: {
                !(.milliseconds(1) ... .seconds(86_400) ~= $0)
            }) {
                return "a time-out is not from 1 ms to 86,400 s"
            }
            // "Naming Restrictions" of MongoDB; the strictest of the systems it runs on.
            if database.utf8.count > 63 || database.contains(where: { "/\\. \"$*<>:|?".contains($0) }) {
                return
                    "the name of the database has more than 63 bytes, or one of / \\ . \" $ * < > : | ? or a space in it"
            }
            return nil
        }
    }
#endif

#if MongoDB
    import BlockingConnection
    import CMongoDB

    extension MongoConfiguration {
        /// Takes `mongodb://[user[:password]@]host[:port][,host…][/database][?option=value&…]`, also `mongodb+srv://`, as libmongoc
        /// does ("Connection Strings" of MongoDB's manual).
        ///
        /// Options are those of the manual, in any case of letters; what concerns a pool of connections is passed over.
        /// Throws `Kind.badConfiguration` with a text that repeats nothing of the URL but names of options, since a part
        /// in the wrong place may be its password.
        public init(url: String) throws(MongoError) {
            guard url.hasPrefix("mongodb://") || url.hasPrefix("mongodb+srv://") else {
                throw Self.bad("it begins with none of mongodb:// and mongodb+srv://")
            }
            guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
                throw Self.bad("it has a space or a control character in it")
            }
            // Without that it would write to stderr what it does not like, values of options with it.
            _ = Library.isStarted
            var seen: Set<String> = []
            for option in Self.options(of: url) {
                try Self.check(option.name, option.value)
                // The library takes the last of them. Several sets of tags are an order of preference.
                guard seen.insert(option.name).inserted || option.name == "readpreferencetags" else {
                    throw Self.bad("the option \(option.name) is given twice")
                }
            }
            var failure = bson_error_t()
            guard let parsed = mongoc_uri_new_with_error(url, &failure) else {
                throw Self.bad(Self.complaint(failure.text))
            }
            defer { mongoc_uri_destroy(parsed) }
            let text = { (value: UnsafePointer<CChar>?) in value.map { String(cString: $0) } }
            let service = text(mongoc_uri_get_srv_hostname(parsed))
            let files = [MONGOC_URI_TLSCAFILE, MONGOC_URI_TLSCERTIFICATEKEYFILE].compactMap { (name: String) in
                text(mongoc_uri_get_option_as_utf8(parsed, name, nil))
            }
            self.init(
                url: url, user: text(mongoc_uri_get_username(parsed)), password: text(mongoc_uri_get_password(parsed)),
                database: text(mongoc_uri_get_database(parsed)) ?? "",
                hosts: service.map { [$0] } ?? Self.hosts(of: parsed),
                isService: service != nil, files: files,
                keyPassword: text(
                    mongoc_uri_get_option_as_utf8(parsed, MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD, nil)))
            let time = { (name: String) in
                let value = mongoc_uri_get_option_as_int32(parsed, name, 0)
                return value > 0 ? Duration.milliseconds(Int64(value)) : nil
            }
            selectionTimeout = time(MONGOC_URI_SERVERSELECTIONTIMEOUTMS) ?? selectionTimeout
            connectTimeout = time(MONGOC_URI_CONNECTTIMEOUTMS) ?? connectTimeout
            callTimeout = time(MONGOC_URI_SOCKETTIMEOUTMS) ?? callTimeout
            applicationName = text(mongoc_uri_get_appname(parsed)) ?? applicationName
            if let flaw { throw Self.bad(flaw) }
        }

        private static func hosts(of parsed: OpaquePointer) -> [String] {
            var hosts: [String] = []
            var next = mongoc_uri_get_hosts(parsed)
            while let host = next {
                withUnsafeBytes(of: host.pointee.host_and_port) { bytes in
                    hosts.append(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
                }
                next = UnsafePointer(host.pointee.next)
            }
            return hosts
        }

        // MARK: Options

        private static func options(of url: String) -> [(name: String, value: String)] {
            let rest = url.drop { $0 != ":" }.dropFirst(3)
            guard let slash = rest.firstIndex(of: "/"), let mark = rest[slash...].firstIndex(of: "?") else { return [] }
            return rest[mark...].dropFirst().split(separator: "&").map { option in
                let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (parts[0].lowercased(), parts.count == 2 ? String(parts[1]) : "")
            }
        }

        /// Checks an option, whose name is in small letters; the library itself passes over what it does not know or like.
        private static func check(_ name: String, _ value: String) throws(MongoError) {
            let shown = name.utf8.allSatisfy { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 } && name.count < 50
            guard shown else { throw bad("there is an option without a name") }
            guard !value.isEmpty else { throw bad("the option \(name) has no value") }
            if passedOver.contains(name) { return }
            if name == "authmechanism", !mechanisms.contains(value.uppercased()) {
                throw bad("authmechanism is none of \(mechanisms.joined(separator: ", "))")
            }
            if times.contains(name) {
                guard let number = Int32(value), number > 0 else {
                    throw bad("\(name) is no number of milliseconds from 1")
                }
            } else if mongoc_uri_option_is_int32(name) || mongoc_uri_option_is_int64(name) {
                guard Int32(value) != nil else { throw bad("\(name) is no number") }
            } else if mongoc_uri_option_is_bool(name) {
                guard ["true", "false"].contains(value.lowercased()) else {
                    throw bad("\(name) is none of true and false")
                }
            } else if !known.contains(name), !mongoc_uri_option_is_utf8(name) {
                throw bad("the option \(name) is not known")
            }
        }

        private static let mechanisms = [
            "SCRAM-SHA-1", "SCRAM-SHA-256", "MONGODB-X509", "MONGODB-AWS", "GSSAPI", "PLAIN",
        ]

        private static let times: Set = ["connecttimeoutms", "serverselectiontimeoutms", "sockettimeoutms"]

        /// Options that the library has no type for.
        private static let known: Set = [
            "authmechanism", "authmechanismproperties", "authsource", "compressors", "readconcernlevel",
            "readpreference", "readpreferencetags", "w",
            "journal", "safe", "slaveok",
        ]

        /// Options of pools, and of drivers of other languages, that are of no use here and harm nobody.
        private static let passedOver: Set = [
            "maxpoolsize", "minpoolsize", "maxidletimems", "maxconnecting", "waitqueuemultiple", "waitqueuetimeoutms",
            "servermonitoringmode", "uuidrepresentation", "timeoutms",
        ]

        // MARK: Complaints

        /// Keeps of the library's text what comes before a part of the URL.
        private static func complaint(_ text: String) -> String {
            let shown = text.prefix { !":\"'[{".contains($0) && !$0.isNewline }
            return (shown.isEmpty ? "the library does not understand it" : String(shown))
                + "; in user and password write : / ? @ % as %3A %2F %3F %40 %25"
        }

        private static func bad(_ what: some StringProtocol) -> MongoError {
            MongoError(.badConfiguration, "not the address of a MongoDB server: \(what)", server: "")
        }
    }
#endif

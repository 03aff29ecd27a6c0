import CarillonCore

extension SettingsReader {
    func readRedis(_ table: inout TableReader, _ redis: inout Settings.Redis) {
        redis.url = table.string("url") ?? redis.url
        let schemes = ["redis://", "rediss://", "unix://"]
        if !schemes.contains(where: redis.url.hasPrefix) {
            // The address may hold a password, so it is not repeated.
            table.complain("url", "expected redis://HOST:PORT/DB, rediss:// for TLS, or unix:///PATH")
        }
        redis.user = table.string("user")
        redis.password = readSecret(&table, "password")
        redis.queuePrefix = table.string("queue_prefix") ?? ""
        redis.caFile = table.string("ca_file")
        redis.certificateFile = table.string("certificate_file")
        redis.keyFile = table.string("key_file")
        redis.verifies = table.bool("verify") ?? true
        let tlsKeys = ["ca_file", "certificate_file", "key_file", "verify"].filter { table.has($0) }
        if let key = tlsKeys.first, !redis.url.hasPrefix("rediss://") {
            table.complain(key, "belongs to TLS: the address must begin with rediss://")
        }
        if (redis.certificateFile == nil) != (redis.keyFile == nil) {
            table.complain(
                redis.keyFile == nil ? "certificate_file" : "key_file", "a certificate and its key go together")
        }
    }

    /// A secret from its own key, or from the file that `key_file` names (its first line).
    func readSecret(_ table: inout TableReader, _ key: String) -> String? {
        let secret = table.string(key)
        guard let path = table.string(key + "_file") else { return secret }
        if secret != nil { table.complain(key + "_file", "there is a \(key) as well; give one of the two") }
        do {
            let text = try TextFile.read(path)
            return text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        } catch {
            table.complain(key + "_file", error.description)
            return nil
        }
    }
}

import NIOCore

/// A URL in its parts (RFC 3986), as far as a server's address needs them. No error repeats any of it.
struct URLParts {
    var scheme: String
    var user: String?
    var password: String?
    /// Host and port, as written.
    var place: Substring
    /// Empty, or with its leading slash.
    var path: Substring
    var query: Substring?

    init(_ url: String) throws(RedisError) {
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
            throw Self.bad("it has a space or a control character in it")
        }
        guard !url.contains("#") else { throw Self.bad("it has a fragment; write # as %23") }
        guard let mark = url.firstRange(of: "://") else { throw Self.bad("it has no scheme such as redis://") }
        scheme = url[..<mark.lowerBound].lowercased()
        var rest = url[mark.upperBound...]
        if let question = rest.firstIndex(of: "?") {
            query = rest[rest.index(after: question)...]
            rest = rest[..<question]
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        path = rest[slash...]
        place = rest[..<slash]
        guard let at = place.lastIndex(of: "@") else { return }
        let login = place[..<at]
        place = place[place.index(after: at)...]
        let colon = login.firstIndex(of: ":")
        let name = try Self.decode(login[..<(colon ?? login.endIndex)])
        user = name.isEmpty ? nil : name
        if let colon { password = try Self.decode(login[login.index(after: colon)...]) }
        if password == "" { password = nil }
    }

    static func bad(_ what: String) -> RedisError {
        RedisError(.badAddress, "not the address of a Redis server: \(what)")
    }

    /// Reads a name or an IPv4 address, or an IPv6 address without its brackets.
    func host() throws(RedisError) -> String {
        if place.hasPrefix("[") {
            guard let end = place.firstIndex(of: "]") else { throw Self.bad("a bracket is not closed") }
            let inner = String(place[place.index(after: place.startIndex)..<end])
            guard inner.contains(":"), (try? SocketAddress(ipAddress: inner, port: 0)) != nil else {
                throw Self.bad("what is in brackets is no IPv6 address")
            }
            return inner
        }
        let host = try Self.decode(place.prefix { $0 != ":" })
        guard !host.isEmpty else { throw Self.bad("it has no host") }
        guard host.utf8.count <= 255, host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
            throw Self.bad("its host is no name")
        }
        return host
    }

    /// Reads the port, from 1 to 65535; nil when there is none.
    func port() throws(RedisError) -> Int? {
        let behind = place.hasPrefix("[") ? place.drop { $0 != "]" }.dropFirst() : place.drop { $0 != ":" }
        if behind.isEmpty { return nil }
        guard behind.hasPrefix(":"), let port = Self.number(behind.dropFirst()), 1...65535 ~= port else {
            throw Self.bad("its port is no number from 1 to 65535; in user and password write : / @ as %3A %2F %40")
        }
        return port
    }

    /// Reads the database's number, from 0; how many there are the server knows.
    static func database(_ text: Substring) throws(RedisError) -> Int {
        guard let number = number(text) else { throw bad("its database is no number from 0") }
        return number
    }

    private static func number(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 9, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int(text)
    }

    static func decode(_ text: Substring) throws(RedisError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else {
                throw bad("a % is not followed by two hexadecimal digits; write it as %25")
            }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw bad("what is percent-encoded is no UTF-8")
        }
        return decoded
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}

import ControlAPI

extension Dashboard {
    /// The script, the style and the icon: anybody may have them, and for as long as they like.
    var assets: [Endpoint] {
        let types = [
            "carillon.css": "text/css; charset=utf-8", "carillon.js": "text/javascript; charset=utf-8",
            "icon.svg": "image/svg+xml",
        ]
        let files = File.all.compactMap { file in types[file.name].map { Asset(file, $0) } }
        let byName = Dictionary(uniqueKeysWithValues: files.map { ($0.name, $0) })
        return [
            Endpoint(.get, "/assets/{sign}/{name}", nil, "A file of the pages.", .init(200, type: "text/css")) { call in
                guard let file = byName[call["name"]], call["sign"] == file.sign else {
                    throw APIError.unknown("there is no such file")
                }
                return file.answer(isPacked: call.headers["accept-encoding"]?.contains("gzip") ?? false)
            }
        ]
    }
}

/// A file, and how it is sent.
private struct Asset: Sendable {
    var name: String
    var sign: String
    private var type: String
    private var bytes: [UInt8]
    private var packed: [UInt8]?

    init(_ file: File, _ type: String) {
        name = file.name
        sign = String(file.sign.prefix(12))
        self.type = type
        bytes = file.bytes
        packed = Gzip.compress(file.bytes, level: 9)
    }

    func answer(isPacked: Bool) -> Answer {
        var answer = Answer(200, isPacked ? packed ?? bytes : bytes)
        answer.type = type
        answer.headers =
            Templates.headers.filter { $0.name != "Cache-Control" } + [
                ("Cache-Control", "public, max-age=31536000, immutable"), ("Vary", "Accept-Encoding"),
            ]
        if isPacked, packed != nil { answer.headers.append(("Content-Encoding", "gzip")) }
        return answer
    }
}

import CDashboardFiles
import ControlAPI
import Foundation
import Mustache

/// The templates of this build.
struct Templates: Sendable {
    static let type = "text/html; charset=utf-8"

    private let library: MustacheLibrary

    init() throws {
        var library = MustacheLibrary()
        for file in File.all where file.name.hasSuffix(".mustache") {
            try library.register(String(decoding: file.bytes, as: UTF8.self), named: String(file.name.dropLast(9)))
        }
        self.library = library
    }

    /// What a browser may do with a page: only what comes from here, and nothing that stands in the page itself.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        + "base-uri 'none'; frame-ancestors 'none'"

    static let headers: [(name: String, value: String)] = [
        ("Content-Security-Policy", policy), ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
    ]

    /// Makes a page of the template of this name.
    func page(_ name: String, _ frame: Frame, _ fields: Fields, status: Int = 200) -> Answer {
        var fields = fields
        fields["frame"] = frame.fields
        let text = library.render(fields, withTemplate: name) ?? ""
        var answer = Answer(status, Array(text.utf8))
        answer.type = Self.type
        answer.headers = Self.headers
        // What was said is said once.
        if frame.said != nil { answer.headers.append(("Set-Cookie", Said.removing)) }
        return answer
    }
}

/// A file that this build carries.
struct File: Sendable {
    var name: String
    var bytes: [UInt8]
    /// Changes with its text.
    var sign: String

    static let all: [File] = {
        var files: [File] = []
        var place: Int32 = 0
        var bytes: UnsafePointer<UInt8>?
        var count = 0
        while let name = carillon_dashboard_file(place, &bytes, &count) {
            let text = Array(UnsafeBufferPointer(start: bytes, count: count))
            files.append(File(name: String(cString: name), bytes: text, sign: TokenSecret.digest(of: text)))
            place += 1
        }
        return files
    }()

    /// Where a browser finds one; another text has another address.
    static func path(_ name: String) -> String {
        "/assets/\(all.first { $0.name == name }?.sign.prefix(12) ?? "none")/\(name)"
    }
}

import ControlAPI
import Foundation

/// What a form of a page sends (WHATWG URL, application/x-www-form-urlencoded).
package struct Form: Sendable {
    private var fields: [String: String] = [:]

    /// Throws `APIError` of status 400 for what no form sends.
    package init(_ body: [UInt8]) throws {
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = Self.decoded(parts[0]), let value = Self.decoded(parts[1]) else {
                throw APIError.bad("the body is no form")
            }
            fields[name] = value
        }
    }

    /// A field that holds something; nil for one that is empty or not there.
    package subscript(_ name: String) -> String? { fields[name].flatMap { $0.isEmpty ? nil : $0 } }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> String? {
        String(decoding: bytes.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
            .removingPercentEncoding
    }

    /// Encodes a text for a path or a query (RFC 3986, 2.3).
    package static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = Array("0123456789ABCDEF")
                result += "%"
                result.append(digits[Int(byte >> 4)])
                result.append(digits[Int(byte & 15)])
            }
        }
        return result
    }
}

/// What was just done, told on the page that follows.
enum Said {
    private static let name = "carillon-said"

    static func setting(_ words: String) -> String {
        "\(name)=\(Form.encoded(String(words.prefix(500)))); Path=/; HttpOnly; SameSite=Strict; Max-Age=60"
    }

    static let removing = "\(name)=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"

    static func words(in header: String?) -> String? {
        SessionCookie.value(of: name, in: header).flatMap { String($0).removingPercentEncoding }.flatMap {
            $0.isEmpty ? nil : $0
        }
    }
}

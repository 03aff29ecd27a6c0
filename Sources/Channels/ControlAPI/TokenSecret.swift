import Crypto
import Foundation

/// What the holder of an access token knows, and nobody else.
package enum TokenSecret {
    /// What every secret begins with, so that tools that look for leaked ones find it.
    package static let prefix = "carillon_"

    /// Draws one of 256 bits.
    package static func draw() -> String {
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        let text = bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
        return prefix + text.replacing("=", with: "")
    }

    /// What is kept of it: SHA-256 in hexadecimal digits.
    package static func digest(of secret: String) -> String { digest(of: Array(secret.utf8)) }

    package static func digest(of bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let bytes = SHA256.hash(data: bytes)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

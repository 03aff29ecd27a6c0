import Foundation
import HummingbirdCore
import HummingbirdHTTP2
import Listening
import Logging
import NIOCertificateReloading
import NIOSSL

/// A certificate and its key, as files in PEM: what is changed there counts for whoever connects a minute later.
package struct TLSFiles: Sendable {
    package var certificate: String
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    /// Why the files are of no use, in a sentence.
    struct Unusable: ChannelUnusable {
        var description: String
    }

    /// Reads both. Throws `Unusable`.
    func reloader(every seconds: Int64, _ logger: Logger) throws -> TimedCertificateReloader {
        let configuration = TimedCertificateReloader.Configuration(
            refreshInterval: .seconds(seconds),
            certificateSource: .init(location: .file(path: certificate), format: .pem),
            privateKeySource: .init(location: .file(path: key), format: .pem)
        ) {
            $0.onCertificateLoadFailed = { failure in
                logger.warning(
                    "the API's certificate cannot be read again; the one before counts on",
                    metadata: ["error": "\(failure.error)"])
            }
        }
        do {
            return try .makeReloaderValidatingSources(configuration: configuration)
        } catch {
            throw Unusable(description: "api.certificate_file and key_file, \(certificate) and \(key): \(error)")
        }
    }
}

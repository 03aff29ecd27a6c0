#if Mail
    import CCurl
    import Glibc

    /// One mail on its way; on the client's thread only.
    final class Transfer {
        /// Once in a process, before anything else of the library.
        private static let library = curl_global_init(Int(CURL_GLOBAL_DEFAULT))

        private let configuration: MailConfiguration
        private let message: MailMessage
        private let isCancelled: () -> Bool
        private let bytes: [UInt8]
        private var sent = 0
        private var talk = Conversation()
        /// Nil before and after `perform`.
        private var handle: UnsafeMutableRawPointer?

        init(_ configuration: MailConfiguration, _ message: MailMessage, isCancelled: @escaping () -> Bool) {
            self.configuration = configuration
            self.message = message
            self.isCancelled = isCancelled
            bytes = message.encoded
            _ = Self.library
        }

        /// Answers what the server said to the recipients it refused; nil when it took all.
        func perform() throws(MailError) -> String? {
            if isCancelled() { throw error(.cancelled, "the sending was cancelled") }
            if message.to.isEmpty { throw error(.badConfiguration, "the mail is for nobody") }
            if let file = configuration.caFile, access(file, R_OK) != 0 {
                throw error(.badConfiguration, "\(file): \(String(cString: strerror(errno)))")
            }
            guard let handle = curl_easy_init() else { throw error(.unreachable, "the library has no memory") }
            self.handle = handle
            var recipients: UnsafeMutablePointer<curl_slist>?
            for mailbox in message.to { recipients = curl_slist_append(recipients, mailbox.address) }
            let complaint = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
            complaint.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
            defer {
                // The handle first: it still tells of its end.
                withExtendedLifetime(self) { curl_easy_cleanup(handle) }
                self.handle = nil
                curl_slist_free_all(recipients)
                complaint.deallocate()
            }
            _ = carillon_curl_set_error_buffer(handle, complaint)
            setServer(handle)
            setCalls(handle)
            _ = carillon_curl_set_text(handle, CURLOPT_MAIL_FROM, message.from.address)
            _ = carillon_curl_set_list(handle, CURLOPT_MAIL_RCPT, recipients)
            _ = carillon_curl_allow_refusals(handle)
            let code = curl_easy_perform(handle)
            guard code == CURLE_OK else {
                throw talk.error(code, library: String(cString: complaint), configuration)
            }
            return talk.refusedRecipients(configuration)
        }

        private func setServer(_ handle: UnsafeMutableRawPointer) {
            let its = configuration
            _ = carillon_curl_allow_mail(handle)
            _ = carillon_curl_set_text(handle, CURLOPT_URL, its.url)
            // The environment names proxies, also for mail.
            _ = carillon_curl_set_text(handle, CURLOPT_PROXY, "")
            _ = carillon_curl_set_number(handle, CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
            _ = carillon_curl_set_number(handle, CURLOPT_NOSIGNAL, 1)
            _ = carillon_curl_set_number(handle, CURLOPT_CONNECTTIMEOUT, its.connectTimeout)
            _ = carillon_curl_set_number(handle, CURLOPT_TIMEOUT, its.timeout)
            // The goodbye has this bound alone, and has it only on a connection that is not kept.
            _ = carillon_curl_set_number(handle, CURLOPT_SERVER_RESPONSE_TIMEOUT, its.timeout)
            _ = carillon_curl_set_number(handle, CURLOPT_FORBID_REUSE, 1)
            if let user = its.user {
                _ = carillon_curl_set_text(handle, CURLOPT_USERNAME, user)
                _ = carillon_curl_set_text(handle, CURLOPT_PASSWORD, its.password ?? "")
            }
            let level =
                switch its.security {
                case .startTLS, .tls: CURLUSESSL_ALL
                case .opportunistic: CURLUSESSL_TRY
                case .none: CURLUSESSL_NONE
                }
            _ = carillon_curl_set_number(handle, CURLOPT_USE_SSL, Int(level.rawValue))
            _ = carillon_curl_set_number(handle, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
            _ = carillon_curl_set_number(handle, CURLOPT_SSL_VERIFYPEER, its.verify ? 1 : 0)
            _ = carillon_curl_set_number(handle, CURLOPT_SSL_VERIFYHOST, its.verify ? 2 : 0)
            guard let file = its.caFile else { return }
            _ = carillon_curl_set_text(handle, CURLOPT_CAINFO, file)
            // Otherwise the system's folder of authorities is trusted beside it.
            _ = carillon_curl_set_text(handle, CURLOPT_CAPATH, nil)
        }

        /// Sets what the library calls on this thread, within `curl_easy_perform` and `curl_easy_cleanup`.
        private func setCalls(_ handle: UnsafeMutableRawPointer) {
            let me = Unmanaged.passUnretained(self).toOpaque()
            _ = carillon_curl_set_number(handle, CURLOPT_UPLOAD, 1)
            _ = carillon_curl_set_size(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(bytes.count))
            _ = carillon_curl_set_source(
                handle,
                { room, size, count, me in
                    guard let room, let me else { return 0 }
                    return Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue().read(room, size * count)
                }, me)
            _ = carillon_curl_set_progress(
                handle,
                { me, _, _, _, _ in
                    guard let me else { return 0 }
                    return Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue().goesOn() ? 0 : 1
                }, me)
            _ = carillon_curl_set_listener(
                handle,
                { _, kind, text, count, me in
                    guard let text, let me else { return 0 }
                    let line = UnsafeRawBufferPointer(start: text, count: count)
                    Unmanaged<Transfer>.fromOpaque(me).takeUnretainedValue().talk.hear(kind, line)
                    return 0
                }, me)
        }

        private func goesOn() -> Bool {
            guard isCancelled() else { return true }
            // The library says goodbye also to a server that owes it a reply.
            if let handle { _ = carillon_curl_set_number(handle, CURLOPT_SERVER_RESPONSE_TIMEOUT, 1) }
            return false
        }

        private func read(_ room: UnsafeMutablePointer<CChar>, _ size: Int) -> Int {
            let count = min(size, bytes.count - sent)
            bytes.withUnsafeBytes { source in
                guard count > 0, let start = source.baseAddress else { return }
                memcpy(room, start + sent, count)
            }
            sent += count
            return count
        }

        private func error(_ kind: MailError.Kind, _ message: String) -> MailError {
            MailError(kind, message, server: configuration.address)
        }
    }
#endif

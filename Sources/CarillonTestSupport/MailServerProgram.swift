/// What Python runs in a `MailServerFixture`.
enum MailServerProgram {
    static let text = #"""
        import asyncio, email, email.policy, json, os, ssl, sys, threading
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult
        folder, port, security, certificate, key, user, password = sys.argv[1:8]

        async def answer(command):
            try:
                with open(os.path.join(folder, "answer." + command)) as file: reply = file.read()
            except FileNotFoundError: return None
            if reply == "HANG":
                open(os.path.join(folder, "hanging"), "w").close()
                await asyncio.sleep(600)
            return reply

        def authenticate(server, session, envelope, mechanism, data):
            right = data.login == user.encode() and data.password == password.encode()
            return AuthResult(success=right, handled=False, auth_data=data.login.decode() if right else None)

        class Handler:
            async def handle_MAIL(self, server, session, envelope, address, options):
                reply = await answer("MAIL")
                if reply: return reply
                envelope.mail_from = address
                return "250 OK"
            async def handle_RCPT(self, server, session, envelope, address, options):
                reply = await answer("RCPT")
                if reply and address.startswith("gone"): return reply
                envelope.rcpt_tos.append(address)
                return "250 OK"
            async def handle_DATA(self, server, session, envelope):
                reply = await answer("DATA")
                if reply: return reply
                mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
                # A line ends with CRLF on the way, whatever it was before.
                text = mail.get_content().replace("\r\n", "\n")
                found = {
                    "from": envelope.mail_from, "to": envelope.rcpt_tos, "isEncrypted": security == "tls" or session.ssl is not None,
                    "login": session.auth_data or "", "subject": mail["Subject"], "text": text,
                    "headers": [[name, str(value)] for name, value in mail.items()],
                    "defects": [str(d) for d in mail.defects] + [str(d) for v in mail.values() for d in v.defects],
                    "raw": envelope.content.decode("latin-1"),
                }
                path = os.path.join(folder, "mails", "%06d" % len(os.listdir(os.path.join(folder, "mails"))))
                with open(path + ".part", "w") as file: json.dump(found, file)
                os.rename(path + ".part", path + ".json")
                return "250 OK"

        options = {}
        if security != "none":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            if security == "tls": options["ssl_context"] = context
            else: options.update(tls_context=context, require_starttls=True)
        if user:
            # A connection that is TLS from its first byte is, to aiosmtpd, one in the clear.
            options.update(auth_required=True, auth_require_tls=security == "startTLS", authenticator=authenticate)
        Controller(Handler(), hostname="127.0.0.1", port=int(port), ready_timeout=30, **options).start()
        print("listening", flush=True)
        threading.Event().wait()
        """#
}

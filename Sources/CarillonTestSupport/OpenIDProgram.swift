/// A provider on Authlib: discovery, keys that are rotated on demand, the authorization code with PKCE behind a plain form, device
/// codes, tokens that are JWTs with their scopes (RFC 9068), and renewal by refresh tokens that are good for once.
enum OpenIDProgram {
    static let text = #"""
        import base64, hashlib, hmac, json, logging, os, sys, time
        from authlib.integrations.flask_oauth2 import AuthorizationServer
        from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin, grants, scope_to_list
        from authlib.oauth2.rfc7636 import CodeChallenge
        from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
        from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
        from authlib.oidc.core import UserInfo
        from authlib.oidc.core.grants import OpenIDCode
        from flask import Flask, jsonify, redirect, request
        from joserfc.jwk import KeySet, RSAKey

        port, lifetime = int(sys.argv[1]), int(sys.argv[2])
        issuer = f"http://127.0.0.1:{port}"
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = Flask("provider")
        SCOPES = "openid jobs:read jobs:write runs:read runs:write system:read"
        FORM = "<form method=post><input name=user><input name=password type=password><button id=go>Log in</button></form>"
        new_key = lambda: RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        # The last one signs; those that are public are in the key set.
        signing, public, reads = [new_key()], [], 0
        public.append(signing[0])
        codes, refreshes, devices, grants_of_devices = {}, {}, {}, {}

        class User:
            def get_user_id(self): return "guest"
        class Client(ClientMixin):
            # With a secret, or public.
            def __init__(self, name, secret): self.name, self.secret = name, secret
            client_metadata = {"id_token_signed_response_alg": "RS256"}
            def get_client_id(self): return self.name
            def get_default_redirect_uri(self): return "http://localhost:5556/callback"
            def get_allowed_scope(self, scope): return " ".join(s for s in scope_to_list(scope) if s in SCOPES.split())
            def check_redirect_uri(self, uri): return uri == self.get_default_redirect_uri() or uri.endswith("/login/callback")
            def check_client_secret(self, secret): return self.secret == secret
            def check_endpoint_auth_method(self, method, endpoint): return (method == "none") == (self.secret is None)
            def check_response_type(self, kind): return kind == "code"
            def check_grant_type(self, kind): return True
        class Record(dict, AuthorizationCodeMixin, TokenMixin):
            def get_redirect_uri(self): return self["redirect_uri"]
            def get_scope(self): return self["scope"]
            def get_nonce(self): return self["nonce"]
            def get_auth_time(self): return self["at"]
            def get_acr(self): return None
            def get_amr(self): return None
            code_challenge = property(lambda self: self["challenge"])
            code_challenge_method = property(lambda self: self["method"])
        clients = {"carillon": Client("carillon", None), "secretive": Client("secretive", "sesame & more")}

        class Code(grants.AuthorizationCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]
            def save_authorization_code(self, code, asked):
                data = asked.payload.data
                codes[code] = Record(client=asked.client.name, redirect_uri=asked.payload.redirect_uri, scope=asked.payload.scope, at=int(time.time()),
                    nonce=data.get("nonce"), challenge=data.get("code_challenge"), method=data.get("code_challenge_method"))
            def query_authorization_code(self, code, client):
                found = codes.get(code)
                return found if found and found["client"] == client.name else None
            def delete_authorization_code(self, found):
                for code in [c for c, f in codes.items() if f is found]: del codes[code]
            def authenticate_user(self, found): return User()
        class OpenID(OpenIDCode):
            def resolve_client_private_key(self, client): return signing[-1]
            def get_client_claims(self, client): return {"iss": issuer, "aud": [client.name], "exp": int(time.time()) + 60, "iat": int(time.time())}
            def get_encode_header(self, client): return {"alg": "RS256", "kid": signing[-1].kid}
            def exists_nonce(self, nonce, asked): return False
            def generate_user_info(self, user, scope): return UserInfo(sub="guest")
        class Refresh(grants.RefreshTokenGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]
            INCLUDE_NEW_REFRESH_TOKEN = True
            def authenticate_refresh_token(self, token): return refreshes.get(token)
            def authenticate_user(self, token): return User()
            def revoke_old_credential(self, token): refreshes.pop(token["refresh_token"], None)
        class Device(DeviceCodeGrant):
            def query_device_credential(self, code): return devices.get(code)
            def query_user_grant(self, code): return grants_of_devices.get(code)
            def should_slow_down(self, credential): return False
        class DeviceEnd(DeviceAuthorizationEndpoint):
            CLIENT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]
            INTERVAL = 1
            def get_verification_uri(self): return issuer + "/device"
            def save_device_credential(self, client, scope, data):
                devices[data["device_code"]] = DeviceCredentialDict(client_id=client, scope=scope, expires_at=time.time() + 60, **data)
        class Tokens(JWTBearerTokenGenerator):
            def get_jwks(self): return KeySet([signing[-1]])
            def get_audiences(self, client, user, scope): return ["carillon"]
            def get_extra_claims(self, client, kind, user, scope): return {"preferred_username": "guest"}
            def _get_expires_in(self, client, kind): return lifetime
        def save_token(token, asked):
            if "refresh_token" in token:
                refreshes[token["refresh_token"]] = Record(token, client=asked.client.name, scope=token["scope"])
        Record.check_client = lambda self, client: self["client"] == client.name
        Record.is_expired = Record.is_revoked = lambda self: False
        server = AuthorizationServer(app, query_client=clients.get, save_token=save_token)
        server.register_grant(Code, [CodeChallenge(required=True), OpenID()])
        server.register_grant(Refresh)
        server.register_grant(Device)
        server.register_endpoint(DeviceEnd)
        server.register_token_generator("default", Tokens(issuer, refresh_token_generator=lambda *a, **k: base64.urlsafe_b64encode(os.urandom(24)).decode()))

        @app.get("/.well-known/openid-configuration")
        def discovery():
            return dict(issuer=issuer, authorization_endpoint=issuer + "/authorize", token_endpoint=issuer + "/token", jwks_uri=issuer + "/keys",
                device_authorization_endpoint=issuer + "/device_authorization", revocation_endpoint=issuer + "/revoke", scopes_supported=SCOPES.split())
        @app.get("/keys")
        def keys():
            global reads
            reads += 1
            return KeySet(public).as_dict(private=False)
        @app.route("/authorize", methods=["GET", "POST"])
        def authorize():
            if request.method == "GET" or (request.form["user"], request.form["password"]) != ("guest", "guest"): return FORM
            return server.create_authorization_response(grant_user=User(), grant=server.get_consent_grant(end_user=User()))
        @app.post("/token")
        def token(): return server.create_token_response()
        @app.post("/device_authorization")
        def device_authorization(): return server.create_endpoint_response("device_authorization")
        @app.route("/device", methods=["GET", "POST"])
        def device():
            if request.method == "GET": return FORM + request.args.get("user_code", "")
            grants_of_devices[request.form["code"]] = (User(), request.form["password"] == "guest")
            return "thank you"
        @app.post("/revoke")
        def revoke():
            refreshes.pop(request.form["token"], None)
            return ""

        # What no provider has: what the tests ask of this one.
        @app.post("/test/rotate")
        def rotate():
            signing.append(new_key())
            public[:] = public + [signing[-1]] if request.args.get("keep") else [signing[-1]]
            return "", 204
        @app.get("/test/facts")
        def facts(): return dict(reads=reads, refreshes=len(refreshes))
        encode = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        @app.post("/test/mint")
        def mint():
            from joserfc import jwt
            asked = request.get_json()
            claims = {"iss": issuer, "sub": "guest", "aud": "carillon", "exp": int(time.time()) + 300, "scope": "jobs:read", **asked.get("claims", {})}
            key = signing[asked.get("key", -1)]
            header = {"alg": asked.get("alg", "RS256"), "kid": asked.get("kid", key.kid), "typ": "JWT"}
            if header["alg"] == "RS256": return jwt.encode(header, claims, key)
            text = encode(json.dumps(header).encode()) + "." + encode(json.dumps(claims).encode())
            secret = key.as_pem(private=False)
            return text + "." + ("" if header["alg"] == "none" else encode(hmac.new(secret, text.encode(), hashlib.sha256).digest()))
        app.run("127.0.0.1", port, threaded=True)
        """#

    /// Logs in as a person does, in a browser without a window; prints what the page says in the end.
    static let browser = """
        import sys
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service
        from selenium.webdriver.common.by import By
        from selenium.webdriver.support.ui import WebDriverWait
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--user-data-dir=" + sys.argv[2]):
            options.add_argument(word)
        browser = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            browser.get(sys.argv[1])
            browser.find_element(By.NAME, "user").send_keys("guest")
            browser.find_element(By.NAME, "password").send_keys("guest")
            browser.find_element(By.ID, "go").click()
            WebDriverWait(browser, 30).until(lambda browser: "localhost:5556" in browser.current_url)
            print(browser.find_element(By.TAG_NAME, "body").text)
        finally:
            browser.quit()
        """
}

//! Tests of masking: what has to go, what has to stay, and whatever else may come.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case("serve --token=abc --port 80", "serve --token=••• --port 80")]
#[case("serve --token abc --port 80", "serve --token ••• --port 80")]
#[case("serve --password='two words' x", "serve --password='•••' x")]
#[case("serve --api-key \"two words\" x", "serve --api-key \"•••\" x")]
#[case("HF_TOKEN=abc python train.py", "HF_TOKEN=••• python train.py")]
#[case("env PGPASSWORD=x psql", "env PGPASSWORD=••• psql")]
#[case(
    "curl -H 'Authorization: Bearer abc' url",
    "curl -H 'Authorization: Bearer •••' url"
)]
#[case("curl -H \"X-Api-Key: abc\" url", "curl -H \"X-Api-Key: •••\" url")]
#[case("curl -u me:pass url", "curl -u me:••• url")]
#[case("curl https://me:pass@host/x?y=1", "curl https://me:•••@host/x?y=1")]
#[case("redis://:pass@host:6379/0", "redis://:•••@host:6379/0")]
#[case(
    "get https://h/p?token=abc&user=me#x",
    "get https://h/p?token=•••&user=me#x"
)]
#[case(
    "get https://h/p?sig=A1b2C3d4E5f6G7h8I9&x=1",
    "get https://h/p?sig=•••&x=1"
)]
#[case(r#"run {"token": "abc", "n": 1}"#, r#"run {"token": "•••", "n": 1}"#)]
#[case(r#"run {\"apiKey\":\"abc\"}"#, r#"run {\"apiKey\":\"•••\"}"#)]
#[case("login hf_abcdefghijklmnopqrstuvwx", "login •••")]
#[case("x sk-proj-a1b2c3d4e5f6g7h8 y", "x ••• y")]
#[case(
    "git clone https://ghp_0123456789abcdefghij@github.com/a/b",
    "git clone https://•••@github.com/a/b"
)]
#[case("aws AKIAIOSFODNN7EXAMPLE", "aws •••")]
#[case(
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "aws_secret_access_key = •••"
)]
#[case("--key 0123456789abcdef0123456789abcdef", "--key •••")]
#[case("k3s agent --token K10abc::server:xyz", "k3s agent --token •••")]
#[case(
    "join K1012345678901234567890123456789012345678901234567890123456789012::server:xyz now",
    "join ••• now"
)]
#[case("sshpass -p pass ssh host", "sshpass -p ••• ssh host")]
#[case("mysql -ppass -h host", "mysql -p••• -h host")]
#[case("echo -----BEGIN KEY-----abc-----END KEY----- x", "echo ••• x")]
#[case("run\0--token\0abc\0x", "run\0--token\0•••\0x")]
#[case("run\0--password=two words\0x", "run\0--password=•••\0x")]
#[case("run\0--password\0two words\0x", "run\0--password\0•••\0x")]
#[case("env\0PASSWORD=two words\0psql", "env\0PASSWORD=•••\0psql")]
#[case("curl\0-H\0Cookie: a=b; c=d\0url", "curl\0-H\0Cookie: •••\0url")]
#[case(
    "curl\0-H\0Authorization: Digest username=me, response=ab\0url",
    "curl\0-H\0Authorization: Digest •••\0url"
)]
#[case("bash\0-lc\0TOKEN=x train --lr 3", "bash\0-lc\0TOKEN=••• train --lr 3")]
#[case("sh -c \"serve --token=abc\"", "sh -c \"serve --token=•••\"")]
#[case("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "•••")]
fn secrets_are_masked(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(mask(text), expected);
}

#[rstest]
#[case(
    "python -m vllm.entrypoints.openai.api_server --model meta-llama/Llama-3-8B --max-tokens 2048"
)]
#[case("python train.py --tokenizer=bert-base-uncased --max_new_tokens=512 --seed 20240229")]
#[case("serve --token-file=/run/secrets/token --tls-key /etc/ssl/private/server.key")]
#[case("docker run --user 1000:1000 nvidia/cuda@sha256:0123456789abcdef0123456789abcdef")]
#[case("/usr/lib/xorg/Xorg :0 -seat seat0 -auth /run/lightdm/root/:0 -nolisten tcp vt7")]
#[case("jellyfin --webdir=/usr/share/jellyfin/web --ffmpeg /usr/lib/jellyfin-ffmpeg/ffmpeg")]
#[case("http://host:8080/a@b GPU-5a1c2d3e-0000-1111-2222-333344445555")]
#[case("ffmpeg -i in.mkv -c:v h264_nvenc -p 3 out.mp4")]
#[case("mysql -p -h host")]
#[case("risk-management-department-2024-report sk-learn-model")]
#[case("accelerate launch --num_processes 8 train.py output=runs/2024-05-01")]
#[case("basic auth is off; key: short")]
fn what_is_no_secret_stays(#[case] text: &str) {
    assert!(
        matches!(mask(text), Cow::Borrowed(same) if same == text),
        "{}",
        mask(text)
    );
}

proptest! {
    #[test]
    fn no_secret_is_left(
        secret in "[A-Za-z0-9]{12}[0-9][a-z][A-Za-z0-9]{10,30}",
        form in prop::sample::select(vec![
            "run --token={}", "run --token {} x", "PASSWORD={} run", "run --password '{}'",
            "curl -u me:{} x", "curl https://me:{}@host", "x?access_token={}&y=1", "key={}",
            "\"secret\": \"{}\"", "Authorization: Bearer {}", "run hf_{}", "ghp_{} x", "sk-{}",
            "Cookie: {}", "a b --client-secret {} c", "sh -c 'x --api-key={}'", "bearer {}",
        ]),
        around in "[ a-z./-]{0,12}",
    ) {
        let text = format!("{around} {}", form.replace("{}", &secret));
        let masked = mask(&text);
        prop_assert!(masked.contains(MASK) && !masked.contains(&secret), "{text} -> {masked}");
    }

    #[test]
    fn an_argument_with_blanks_is_masked_whole(
        secret in "[a-z]{3,8}( [a-z]{3,8}){0,3}",
        form in prop::sample::select(vec!["--token={}", "--password\0{}", "DB_PASSWORD={}"]),
    ) {
        let text = format!("RUN\0{}\0--PORT\080", form.replace("{}", &secret));
        let masked = mask(&text);
        for word in secret.split(' ').filter(|word| !form.contains(*word)) {
            prop_assert!(!masked.contains(word), "{text} -> {masked}");
        }
        prop_assert!(masked.ends_with("\0--PORT\080"), "{masked}");
    }

    #[test]
    fn any_text_can_be_masked_once(text in any::<String>()) {
        let once = mask(&text).into_owned();
        prop_assert_eq!(mask(&once), once.as_str());
    }

    #[test]
    fn anything_like_a_command_line_can_be_masked_once(
        text in "([-a-z]{0,3}(token|key|pass|-p|-u|sshpass|bearer|hf_|://|@|=|:|\"|'|\\\\| |\\x00|é|[A-Za-z0-9]{1,20})){0,12}"
    ) {
        let once = mask(&text).into_owned();
        prop_assert_eq!(mask(&once), once.as_str());
    }
}
